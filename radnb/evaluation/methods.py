"""What each method code says in words, for the methods text of a report, with the R function that it equals.

A code such as cv20x5_bootstrap50x2_logit is looked up with its numbers replaced by #; they fill the sentence in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from radnb.errors import RadnbError, nearest


@dataclass(frozen=True)
class Method:
    """A sentence in both languages and the R call with the same result ("" where R has none)."""

    en: str
    zh: str
    r: str = ""


_CV_EN = "mean over {0} repeats of {1}-fold cross-validation, pairs of patients compared inside a fold only"
_CV_ZH = "{0}次重复{1}折交叉验证的平均值,仅在同一折内比较患者对"
_BOOT_EN = ("95 % interval from {2} bootstrap samples of patients x {3} fold splits with the whole pipeline refitted "
            "(between-sample variance component, never below the fold-wise influence standard error)")
_BOOT_ZH = "95%区间来自对患者的{2}个自助样本×{3}次折划分,整个流程重新拟合(取样本间方差分量,不小于折内影响函数标准误)"
_HALF_EN = _BOOT_EN.replace("bootstrap samples of patients", "random halves of the patients")
_HALF_ZH = _BOOT_ZH.replace("对患者的{2}个自助样本", "{2}个患者随机半样本")
_OOF_EN = "from each patient's mean out-of-fold probability ({0} repeats of {1} folds)"
_OOF_ZH = "基于每位患者的平均折外概率({0}次重复{1}折)"
_MEAN_EN = "from out-of-fold probabilities, averaged over {0} repeats of {1} folds"
_MEAN_ZH = "基于折外概率,对{0}次重复{1}折取平均"
_GROUP_EN = "thresholds taken from the training folds, averaged over {0} repeats of {1} folds"
_GROUP_ZH = "阈值取自训练折,对{0}次重复{1}折取平均"
_CUT_EN, _CUT_HALF_EN = (
    boot.replace("fold-wise influence", "jackknife") + ", logit scale (Matthews' coefficient: plain scale); in the "
    "resamples each fold takes its threshold from the held-out scores of the other folds"
    for boot in (_BOOT_EN, _HALF_EN))
_CUT_ZH, _CUT_HALF_ZH = (
    boot.replace("折内影响函数", "刀切法") + ",logit尺度(马修斯相关系数用原始尺度);"
    "重抽样中每折的阈值取自其他折的折外评分"
    for boot in (_BOOT_ZH, _HALF_ZH))
_WILSON_EN, _WILSON_ZH = "never narrower than Wilson's interval on the averaged counts", "且不窄于平均计数的Wilson区间"

METHODS: dict[str, Method] = {
    "cv#x#_bootstrap#x#_logit": Method(f"{_CV_EN}; {_BOOT_EN}, logit scale.", f"{_CV_ZH};{_BOOT_ZH},logit尺度。"),
    "cv#x#_bootstrap#x#_plain": Method(f"{_CV_EN}; {_BOOT_EN}, plain scale; differences are paired: both models saw "
                                       "the same samples and folds.",
                                       f"{_CV_ZH};{_BOOT_ZH},原始尺度;差值为配对比较:两个模型使用相同的样本与折。"),
    "cv#x#_halfsample#x#_plain": Method(f"{_CV_EN}; {_HALF_EN}, plain scale; differences are paired.",
                                        f"{_CV_ZH};{_HALF_ZH},原始尺度;差值为配对比较。"),
    "cv#x#_halfsample#x#_logit": Method(f"{_CV_EN}; {_HALF_EN}, logit scale.", f"{_CV_ZH};{_HALF_ZH},logit尺度。"),
    "cv#x#_bootstrap#x#_interaction": Method(
        f"{_CV_EN} of a subgroup; difference between two subgroups; {_BOOT_EN}, plain scale; exploratory.",
        f"{_CV_ZH},限于亚组内;两亚组之差;{_BOOT_ZH},原始尺度;探索性分析。"),
    "cv#x#_halfsample#x#_interaction": Method(
        f"{_CV_EN} of a subgroup; difference between two subgroups; {_HALF_EN}, plain scale; exploratory.",
        f"{_CV_ZH},限于亚组内;两亚组之差;{_HALF_ZH},原始尺度;探索性分析。"),
    "cv#x#_bootstrap#x#_logit_wilson": Method(f"{_GROUP_EN}; {_CUT_EN}; {_WILSON_EN}.",
                                              f"{_GROUP_ZH};{_CUT_ZH};{_WILSON_ZH}。"),
    "cv#x#_halfsample#x#_logit_wilson": Method(f"{_GROUP_EN}; {_CUT_HALF_EN}; {_WILSON_EN}.",
                                               f"{_GROUP_ZH};{_CUT_HALF_ZH};{_WILSON_ZH}。"),
    "cv#x#_bootstrap#x#_counts": Method(f"{_GROUP_EN}; {_CUT_EN}.", f"{_GROUP_ZH};{_CUT_ZH}。"),
    "cv#x#_halfsample#x#_counts": Method(f"{_GROUP_EN}; {_CUT_HALF_EN}.", f"{_GROUP_ZH};{_CUT_HALF_ZH}。"),
    "cv#x#_wilson": Method(f"{_GROUP_EN}; Wilson's 95 % interval on the averaged counts, which leaves out how the "
                           "model varies with its training patients.",
                           f"{_GROUP_ZH};平均计数的Wilson 95%区间,未计入模型随训练患者的变异。",
                           "prop.test(correct=FALSE)"),
    "cv#x#_jackknife": Method(f"{_MEAN_EN}; 95 % interval by leaving out one patient at a time.",
                              f"{_MEAN_ZH};逐一剔除患者(刀切法)所得95%区间。"),
    "cv#x#_wald": Method(f"{_OOF_EN}; logistic recalibration with Wald 95 % interval.",
                         f"{_OOF_ZH};logistic再校准,Wald 95%区间。", "glm(y ~ qlogis(p), binomial)"),
    "cv#x#_bootstrap#x#_jackknife": Method(f"{_MEAN_EN}; {_BOOT_EN.replace('fold-wise influence', 'jackknife')}.",
                                           f"{_MEAN_ZH};{_BOOT_ZH.replace('折内影响函数', '刀切法')}。"),
    "cv#x#_bootstrap#x#_wald": Method(
        f"{_OOF_EN}, by logistic recalibration; {_BOOT_EN.replace('fold-wise influence', 'Wald')}.",
        f"{_OOF_ZH},logistic再校准;{_BOOT_ZH.replace('折内影响函数', 'Wald')}。", "glm(y ~ qlogis(p), binomial)"),
    "cv#x#_halfsample#x#_jackknife": Method(f"{_MEAN_EN}; {_HALF_EN.replace('fold-wise influence', 'jackknife')}.",
                                            f"{_MEAN_ZH};{_HALF_ZH.replace('折内影响函数', '刀切法')}。"),
    "cv#x#_halfsample#x#_wald": Method(
        f"{_OOF_EN}, by logistic recalibration; {_HALF_EN.replace('fold-wise influence', 'Wald')}.",
        f"{_OOF_ZH},logistic再校准;{_HALF_ZH.replace('折内影响函数', 'Wald')}。", "glm(y ~ qlogis(p), binomial)"),
    "delong": Method("Scores of a frozen model on untouched patients; DeLong's 95 % interval.",
                     "冻结模型在未参与训练患者上的评分;DeLong 95%区间。", "pROC::ci.auc(method='delong')"),
    "delong_paired": Method("Scores of frozen models on the same untouched patients; DeLong's paired test.",
                            "冻结模型在相同未参与训练患者上的评分;DeLong配对检验。", "pROC::roc.test(paired=TRUE)"),
    "delong_unpaired": Method("Scores of a frozen model in two groups of untouched patients; difference of AUC with "
                              "DeLong's variances added; exploratory.",
                              "冻结模型在两组未参与训练患者中的评分;AUC之差,DeLong方差相加;探索性分析。",
                              "pROC::roc.test(paired=FALSE)"),
    "concordance_jackknife_unpaired": Method("Scores of a frozen model in two groups of untouched patients; difference "
                                             "of Harrell's C with the jackknife variances added; exploratory.",
                                             "冻结模型在两组未参与训练患者中的评分;Harrell C之差,刀切法方差相加;"
                                             "探索性分析。"),
    "concordance_jackknife": Method("Scores of a frozen model on untouched patients; Harrell's C with the "
                                    "infinitesimal-jackknife 95 % interval.",
                                    "冻结模型在未参与训练患者上的评分;Harrell C指数,无穷小刀切法95%区间。",
                                    "survival::concordance"),
    "concordance_jackknife_paired": Method("Scores of frozen models on the same untouched patients; paired difference "
                                           "of Harrell's C by the infinitesimal jackknife.",
                                           "冻结模型在相同未参与训练患者上的评分;Harrell C配对差值,无穷小刀切法。",
                                           "survival::concordance(fit_a, fit_b)"),
    "macro_influence": Method("Mean of the one-versus-rest AUC of a frozen model on untouched patients; "
                              "infinitesimal-jackknife 95 % interval.",
                              "冻结模型在未参与训练患者上一对其余AUC的平均值;无穷小刀切法95%区间。"),
    "pairs_influence": Method("Mean over pairs of classes in their order, by a frozen model on untouched patients; "
                              "infinitesimal-jackknife 95 % interval.",
                              "冻结模型在未参与训练患者上对有序类别逐对求平均;无穷小刀切法95%区间。"),
    "cv#x#_bootstrap#x#_grades": Method(
        "Each patient's most probable class, mean over {0} repeats of {1}-fold cross-validation; 95 % interval from "
        "{2} bootstrap samples of patients x {3} fold splits with the whole pipeline refitted, never below the "
        "jackknife; shares on the logit scale and never narrower than Wilson's interval, kappa on the plain scale.",
        "取每位患者概率最大的类别,对{0}次重复{1}折交叉验证取平均;95%区间来自对患者的{2}个自助样本×{3}次折划分,整个流程重新拟合,"
        "不小于刀切法;比例采用logit尺度且不窄于Wilson区间,kappa采用原始尺度。"),
    "patients_grades": Method(
        "Most probable class by frozen probabilities on untouched patients; 95 % interval by leaving out one patient "
        "at a time, shares never narrower than Wilson's interval.",
        "冻结概率用于未参与训练患者,取概率最大的类别;刀切法95%区间,比例不窄于Wilson区间。"),
    "macro_influence_paired": Method("Paired difference of mean one-versus-rest AUC on untouched patients; "
                                     "infinitesimal jackknife.",
                                     "未参与训练患者上一对其余AUC平均值的配对差值;无穷小刀切法。"),
    "wilson": Method("Frozen threshold on untouched patients; Wilson's 95 % interval.",
                     "冻结阈值用于未参与训练患者;Wilson 95%区间。", "prop.test(correct=FALSE)"),
    "jackknife_logit": Method("Frozen threshold on untouched patients; 95 % interval by leaving out one patient at a "
                              "time, logit scale.", "冻结阈值用于未参与训练患者;刀切法95%区间,logit尺度。"),
    "jackknife_plain": Method("Frozen threshold on untouched patients; 95 % interval by leaving out one patient at a "
                              "time.", "冻结阈值用于未参与训练患者;刀切法95%区间。"),
    "patients_jackknife": Method("Frozen probabilities on untouched patients; 95 % interval by leaving out one patient "
                                 "at a time.", "冻结概率用于未参与训练患者;刀切法95%区间。"),
    "patients_wald": Method("Frozen probabilities on untouched patients; logistic recalibration with Wald 95 % "
                            "interval.", "冻结概率用于未参与训练患者;logistic再校准,Wald 95%区间。",
                            "glm(y ~ qlogis(p), binomial)"),
    "recalibrated#x#_bootstrap#x#_plain": Method(
        "Mean over {0} repeats of {1}-fold cross-fitting: frozen probabilities recalibrated on the patients of the "
        "other folds; 95 % interval from {2} bootstrap samples of patients x {3} fold splits, recalibrated anew "
        "(simulated coverage 93-98 % at 80 and 200 patients).",
        "{0}次{1}折交叉拟合的均值:冻结概率在其他折患者上重新校准;95%区间由{2}份患者自助样本×{3}次折划分得出,"
        "每次重新校准(模拟覆盖率93-98%,80例与200例)。"),
    "permuted#": Method("One-sided p that there is any signal at all: outcomes permuted through the whole procedure "
                        "({0} permutations, one repeat of cross-validation each, stopped by the Besag-Clifford rule).",
                        "“有无任何信号”的单侧p值:在整个流程中置换结局({0}次置换,每次一轮交叉验证,按Besag-Clifford规则停止)。"),
    "permuted_added#": Method("One-sided p that the added predictors improve the model: their rows permuted among "
                              "patients of similar comparator score through the whole procedure ({0} permutations, "
                              "stopped by the Besag-Clifford rule).",
                              "“新增预测因子有无贡献”的单侧p值:在对照模型评分相近的患者之间置换新增特征并重复整个流程"
                              "({0}次置换,按Besag-Clifford规则停止)。"),
    "logrank_fold_median_permuted#": Method(
        "One-sided p between the upper and lower half of each fold's scores: log-rank statistic, outcomes permuted "
        "through the whole procedure ({0} permutations).",
        "按每折评分中位数分组的单侧p值:log-rank统计量,在整个流程中置换结局({0}次置换)。"),
    "logrank_permuted#": Method("One-sided p between risk groups formed by the training folds' cut-offs: log-rank "
                                "statistic, outcomes permuted through the whole procedure ({0} permutations).",
                                "按训练折截断值分组的单侧p值:log-rank统计量,在整个流程中置换结局({0}次置换)。"),
    "logrank": Method("Log-rank test between groups formed by a frozen cut-off in untouched patients.",
                      "冻结截断值在未参与训练患者中分组的log-rank检验。", "survival::survdiff"),
    "km_loglog": Method("Kaplan-Meier in groups formed by cut-offs that these patients took no part in (majority over "
                        "repeats); pointwise 95 % interval, log-log scale, and the exact lower limit "
                        "of those still at risk while nobody has had the event.",
                        "按未使用该患者数据所得截断值分组(多次重复取多数)的Kaplan-Meier估计;逐点95%区间,log-log尺度;无人发生事件时取在险人数的精确下限。",
                        "survival::survfit(conf.type='log-log')"),
    "control_permuted#": Method("Permuted labels: the range from the 5th to the 95th percentile of {0} refits on "
                                "shuffled outcomes.", "置换标签:{0}次打乱结局后重新拟合所得的第5至第95百分位范围。"),
    "control_random#": Method("Random features: the range from the 5th to the 95th percentile of {0} refits with as "
                              "many image features, drawn blindly, as were selected in that fold.",
                              "随机特征:以盲目抽取、与该折所选数目相同的影像特征重新拟合{0}次,取第5至第95百分位范围。"),
    "control_single": Method("Volume alone (plain regression) and clinical facts alone (the study's own learner): "
                             "quick 95 % interval, 1.4 times the influence standard error in cross-validation.",
                             "仅体积(普通回归)与仅临床资料(本研究的学习器):快速95%区间,交叉验证时取1.4倍影响函数标准误。"),
    "control_complete": Method("Complete cases: the same model trained and tested on the patients without gaps, and "
                               "its figure on these patients when trained on all.",
                               "完整病例:在无缺失的患者上训练和检验同一模型,并列出用全部患者训练时在这些患者上的结果。"),
    "control_stability": Method("Stability of the selected set: the index of Nogueira and colleagues over the outer "
                                "fits (1: always the same set; 0: sets drawn blindly); its 95 % interval takes the "
                                "fits for independent, so it is too narrow for overlapping folds.",
                                "所选特征集的稳定性:各外层拟合的Nogueira指数(1表示始终相同,0表示等同盲选);"
                                "其95%区间假定各次拟合独立,对相互重叠的折偏窄。"),
    "control_per_event": Method("Candidate features for each patient of the rarer outcome.",
                                "每个较少见结局患者对应的候选特征数。"),
}

_HOLM_EN, _HOLM_ZH = ("; p corrected by Holm for the number of comparisons other than the locked one.",
                      ";p值按锁定比较以外的比较次数作Holm校正。")
METHODS |= {f"{code}_holm": Method(METHODS[code].en.removesuffix(".") + _HOLM_EN,
                                   METHODS[code].zh.removesuffix("。") + _HOLM_ZH, METHODS[code].r)
            for code in ("delong_paired", "concordance_jackknife_paired", "macro_influence_paired")}

FIGURES: dict[str, Method] = {
    "controls": Method(
        "Controls are refits in one repeat on the same folds, and the model's figure beside them is that of the same "
        "repeat. The model counts as doing no better than volume or clinical facts alone if its figure is not higher, "
        "and as better if the quick interval of the paired difference lies above 0; as not better than random features "
        "if it does not exceed their 95th percentile; as no better than permuted labels if p exceeds 0.05. None of "
        "these decides the answer, which rests on the interval of the primary comparison; each that is not passed "
        "is named before it. On tables above 2 million values (patients x features x ways of modelling) random sets "
        "and draws are reduced in proportion, to 10 and 1 at least.",
        "对照均在同一轮交叉验证的相同折上重新拟合,并与模型同一轮的结果并列。若模型的数值不高于仅体积或仅临床资料,"
        "则视为不优于该对照;配对差值的快速区间位于0以上方视为更优。若未超过随机特征的第95百分位,或置换标签的p大于0.05,"
        "则视为不优于该对照。这些均不单独决定结论,结论取决于主要比较的区间;未通过的对照在结论之前列出。"
        "数据表超过200万个值(患者×特征×建模方式)时,随机特征组数与抽样次数按比例减少,至少为10和1。"),
    "learning_curve": Method(
        "Learning curve: shares of each training fold's patients, drawn by outcome, larger draws holding the smaller; "
        "an inverse power law through the means, and the interval narrowed by the root of the number of patients, are "
        "extrapolations and not findings.",
        "学习曲线:按结局从各训练折抽取部分患者,较大样本包含较小样本;对均值拟合的逆幂律,以及按患者数平方根缩窄的区间,"
        "均为外推而非研究结果。"),
    "certificate": Method(
        "Leak certificate: in one split drawn by the seed, the outcomes of all held-out patients were exchanged and "
        "their features replaced by large numbers and gaps before any step; everything learned was hashed before and "
        "after, and each fitted step kept which patients it saw. The same was done to training patients, which must "
        "change what is learned.",
        "防泄漏证明:在由随机种子抽取的一次划分中,于一切步骤之前交换全部留出患者的结局,并以极大值和缺失替换其特征;"
        "对所学内容在前后分别计算哈希,并记录每个拟合步骤所见的患者。对训练患者作同样处理,则所学内容必须改变。"),
    "roc_cv": Method("ROC curve: the curves of the folds, averaged over all repeats with their numbers of pairs as "
                     "weights, so that its area is the cross-validated AUC.",
                     "ROC曲线:各折曲线按患者对数加权,对所有重复取平均,其曲线下面积即交叉验证AUC。"),
    "roc_frozen": Method("Empirical ROC curve of the frozen scores.", "冻结评分的经验ROC曲线。", "pROC::roc"),
    "calibration_cv": Method("Calibration curve: local quadratic regression (span 0.75) of the outcome on each "
                             "patient's mean out-of-fold probability, with a pointwise binomial 95 % band.",
                             "校准曲线:结局对每位患者平均折外概率的局部二次回归(span 0.75),逐点二项95%带。",
                             "loess(y ~ p, surface='direct')"),
    "calibration_frozen": Method("Calibration curve: local quadratic regression (span 0.75) of the outcome on the "
                                 "frozen probability, with a pointwise binomial 95 % band.",
                                 "校准曲线:结局对冻结概率的局部二次回归(span 0.75),逐点二项95%带。",
                                 "loess(y ~ p, surface='direct')"),
    "decision_cv": Method("Decision curve of out-of-fold probabilities, averaged over repeats; 95 % band from "
                          "refitting the whole pipeline on resampled patients, never narrower than the spread "
                          "between patients.",
                          "折外概率的决策曲线,对重复取平均;95%带来自在重抽样患者上重新拟合整个流程,且不窄于患者间变异。",
                          "dcurves::dca"),
    "decision_frozen": Method("Decision curve of the frozen probabilities; 95 % band from 1000 bootstrap samples of "
                              "patients.", "冻结概率的决策曲线;95%带来自1000个患者自助样本。", "dcurves::dca"),
    "kaplan_meier_cv": Method("Kaplan-Meier curves of low and high risk, formed by each training fold's cut-off "
                              "(majority over repeats), with pointwise 95 % bands.",
                              "低、高风险组的Kaplan-Meier曲线,分组按各训练折截断值(多次重复取多数),逐点95%带。",
                              "survival::survfit(conf.type='log-log')"),
    "kaplan_meier_frozen": Method("Kaplan-Meier curves of low and high risk, formed by the frozen cut-off, with "
                                  "pointwise 95 % bands.", "按冻结截断值分组的低、高风险Kaplan-Meier曲线,逐点95%带。",
                                  "survival::survfit(conf.type='log-log')"),
}

REFUSALS: dict[str, Method] = {
    "apparent performance": Method("Apparent performance on the training patients; no interval is given.",
                                   "训练患者上的表观性能,不给出区间。"),
    "out of bag": Method("Mean over bootstrap samples of the patients left out; no interval of it is known to hold.",
                         "自助样本未抽中患者的平均值;尚无覆盖率可靠的区间。"),
    "bootstrap .632+": Method("The .632+ estimate: out-of-bag and apparent performance, combined by how far the model "
                              "overfits; no interval of it is known to hold.",
                              ".632+估计:按过拟合程度合并袋外性能与表观性能;尚无覆盖率可靠的区间。"),
    "too few events": Method("Too few events for an interval whose coverage is known.",
                             "事件数过少,无法给出覆盖率已知的区间。"),
    "identical scores": Method("The model gave everyone the same score.", "模型对所有患者给出相同评分。"),
    "no resamples": Method("The study was run without resamples, so there is no honest interval.",
                           "未进行重抽样,故不给出区间。"),
    "thresholds were not resampled": Method("The resamples carry no thresholds, so this measure has no honest "
                                            "interval.", "重抽样未包含阈值,故该指标不给出区间。"),
    "too few resamples": Method("Fewer than 25 resamples were run, too few for an interval.",
                                "重抽样少于25次,不足以给出区间。"),
    "not fitted": Method("Held at 1, not fitted.", "固定为1,未拟合。"),
    "mean of the scores": Method("The mean of the predicted probabilities.", "预测概率的均值。"),
    "a resample could not be scored": Method("At least one resample held no comparable pair of patients.",
                                             "至少一个重抽样样本中没有可比较的患者对。"),
    "no spread": Method("The estimate did not vary at all, so an interval would claim a certainty that is not there.",
                        "估计值毫无变异,给出区间会造成虚假的确定性。"),
    "the same patients trained": Method("The same patients trained the model, with other rows of theirs, so that no "
                                        "interval holds.",
                                        "同一批患者的其他记录参与了训练,任何区间均不成立。"),
    "not recorded": Method("The value that forms the subgroups is not recorded for these patients.",
                           "这些患者未记录用于分组的数值。"),
    "not defined": Method("The measure is not defined on these counts.", "该指标在此计数下无定义。"),
    "the models scored different patients": Method("The two models scored different patients or repeats, so "
                                                   "they cannot be paired.", "两个模型评分的患者或重复不同,无法配对。"),
    "the models were not resampled together": Method("The two models were not refitted on the same resamples.",
                                                     "两个模型未在相同的重抽样样本上重新拟合。"),
    "no cut-off": Method("No cut-off was carried over from training.", "没有来自训练的截断值。"),
    "no permutations": Method("No permutations were run.", "未进行置换。"),
    "one risk group only": Method("The cut-off put everyone into one risk group.", "截断值将所有患者归入同一风险组。"),
    "horizon beyond follow-up": Method("Nobody in this group was followed that long.", "该组无人随访至该时间点。"),
    "frozen scores need no permutation": Method("The scores are of a frozen model on untouched patients, which need "
                                                "no permuted refits.",
                                                "评分来自冻结模型在未参与训练患者上的结果,无需置换。"),
    "not run": Method("This control was not run.", "未运行该对照。"),
    "no volume": Method("Not measured: the study has no volume and no clinical size.",
                        "未测量:本研究没有体积或临床大小。"),
    "no clinical facts": Method("Not measured: the study has no clinical facts.", "未测量:本研究没有临床资料。"),
    "no gaps, or too few patients without": Method("No column has gaps, or too few patients are without.",
                                                   "没有缺失,或无缺失的患者过少。"),
    "no features were selected": Method("The model selects no features.", "该模型不选择特征。"),
    "one fit only": Method("The model was fitted once.", "该模型仅拟合一次。"),
    "two centres": Method("With two centres, each is reported alone: the model of one, tested in the other.",
                          "仅有两个中心时分别报告:在一个中心建模,在另一个中心检验。"),
}


def method(code: str) -> Method:
    """Return the sentence of a method code with its numbers filled in, and its R call."""
    if code.startswith("none: "):
        known = REFUSALS.get(code.removeprefix("none: "))
    else:
        known = FIGURES.get(code) or METHODS.get(re.sub(r"\d+", "#", code))
    if known is None:
        raise RadnbError(f"method {code!r} has no sentence. {nearest(code, [*METHODS, *FIGURES])}", code="E_METHOD")
    numbers = re.findall(r"\d+", code)
    return Method(known.en.format(*numbers).replace(" 1 repeats", " 1 repeat"), known.zh.format(*numbers), known.r)


def sentences(codes: Iterable[str], language: str = "en") -> list[str]:
    """Return each method's sentence once, in order of first use, with its R call in brackets."""
    found = [method(code) for code in dict.fromkeys(codes)]
    ends = {m.r: f" (R: {m.r})" if language == "en" else f"(R:{m.r})" for m in found}
    return [f"{_capital(m.en if language == 'en' else m.zh)}{ends[m.r] if m.r else ''}" for m in found]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
