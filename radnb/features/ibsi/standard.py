"""Every feature that IBSI-1 defines, and every way to aggregate it (reference manual, arXiv:1612.07003v11).

One line per feature: family, name, tag of the reference values, IBSI code, unit, short Chinese name, English, Chinese.
The unit `intensity` is the image's own (HU in CT), `level` a discretised grey level, `-` none.
"""

# ruff: noqa: E501 - one line per feature
from __future__ import annotations

from dataclasses import dataclass

PREFIX = "ibsi-"
_TABLE = """
morphology|VolumeMesh|morph_volume|RNU0|mm³|网格体积|Tumour volume|肿瘤体积
morphology|VolumeVoxelCounting|morph_vol_approx|YEKZ|mm³|体素体积|Tumour volume as the sum of its voxels|由体素累加的肿瘤体积
morphology|SurfaceAreaMesh|morph_area_mesh|C0JK|mm²|网格表面积|Tumour surface|肿瘤表面积
morphology|SurfaceToVolumeRatio|morph_av|2PR5|1/mm|表面积体积比|Surface per volume: high for small or ragged tumours|表面积与体积之比，小或不规则肿瘤较高
morphology|Compactness1|morph_comp_1|SKGS|-|紧密度1|How compact the tumour is, compared with a ball|与球体相比肿瘤的紧密程度
morphology|Compactness2|morph_comp_2|BQWJ|-|紧密度2|How compact the tumour is, compared with a ball (1: a ball)|与球体相比肿瘤的紧密程度（1为球体）
morphology|SphericalDisproportion|morph_sph_dispr|KRCK|-|球形失配度|How much more surface the tumour has than a ball of its volume (1: a ball)|肿瘤表面积与等体积球体之比（1为球体）
morphology|Sphericity|morph_sphericity|QCFX|-|球形度|How much the tumour resembles a ball (1: a ball)|肿瘤接近球体的程度（1为球体）
morphology|Asphericity|morph_asphericity|25C7|-|非球形度|How much more surface the tumour has than a ball of its volume (0: a ball)|肿瘤表面积超出等体积球体的比例（0为球体）
morphology|CentreOfMassShift|morph_com|KLMA|mm|质心偏移|Distance between the middle of the outline and the middle of brightness|几何中心与灰度加权中心之间的距离
morphology|Maximum3DDiameter|morph_diam|L0JK|mm|三维最大径|Largest diameter in any direction|任意方向的最大径
morphology|MajorAxisLength|morph_pca_maj_axis|TDIC|mm|长轴长|Length of the longest axis|最长轴长度
morphology|MinorAxisLength|morph_pca_min_axis|P9VJ|mm|次长轴长|Length of the second longest axis|次长轴长度
morphology|LeastAxisLength|morph_pca_least_axis|7J51|mm|最短轴长|Length of the shortest axis|最短轴长度
morphology|Elongation|morph_pca_elongation|Q3CK|-|伸长度|Second longest axis relative to the longest (1: not elongated)|次长轴与最长轴之比（1为无伸长）
morphology|Flatness|morph_pca_flatness|N17B|-|扁平度|Shortest axis relative to the longest (1: not flat)|最短轴与最长轴之比（1为不扁平）
morphology|VolumeDensityAABB|morph_vol_dens_aabb|PBX1|-|轴向包围盒体积密度|Share of its upright bounding box that the tumour fills|肿瘤占其轴向包围盒体积的比例
morphology|AreaDensityAABB|morph_area_dens_aabb|R59B|-|轴向包围盒表面积密度|Tumour surface relative to that of its upright bounding box|肿瘤表面积与其轴向包围盒表面积之比
morphology|VolumeDensityOMBB|morph_vol_dens_ombb|ZH1A|-|最小包围盒体积密度|Share of the smallest box around it that the tumour fills|肿瘤占其最小定向包围盒体积的比例
morphology|AreaDensityOMBB|morph_area_dens_ombb|IQYR|-|最小包围盒表面积密度|Tumour surface relative to that of the smallest box around it|肿瘤表面积与其最小定向包围盒表面积之比
morphology|VolumeDensityAEE|morph_vol_dens_aee|6BDE|-|近似椭球体积密度|Tumour volume relative to an ellipsoid with the tumour's axes|肿瘤体积与同轴长椭球体积之比
morphology|AreaDensityAEE|morph_area_dens_aee|RDD2|-|近似椭球表面积密度|Tumour surface relative to an ellipsoid with the tumour's axes|肿瘤表面积与同轴长椭球表面积之比
morphology|VolumeDensityMVEE|morph_vol_dens_mvee|SWZ1|-|最小包围椭球体积密度|Share of the smallest ellipsoid around it that the tumour fills|肿瘤占其最小包围椭球体积的比例
morphology|AreaDensityMVEE|morph_area_dens_mvee|BRI8|-|最小包围椭球表面积密度|Tumour surface relative to that of the smallest ellipsoid around it|肿瘤表面积与其最小包围椭球表面积之比
morphology|VolumeDensityConvexHull|morph_vol_dens_conv_hull|R3ER|-|凸包体积密度|How free of dents the tumour is (1: no dents)|肿瘤占其凸包体积的比例（1为无凹陷）
morphology|AreaDensityConvexHull|morph_area_dens_conv_hull|7T7F|-|凸包表面积密度|How dented the surface is (1: no dents)|肿瘤表面积与其凸包表面积之比（1为无凹陷）
morphology|IntegratedIntensity|morph_integ_int|99N0|intensity·mm³|积分强度|Average grey value times volume (in PET: total uptake)|平均灰度值与体积之积（PET中为总摄取量）
morphology|MoransI|morph_moran_i|N365|-|莫兰指数|How much near voxels resemble each other (0: no pattern)|邻近体素灰度的相似程度（0为无空间规律）
morphology|GearysC|morph_geary_c|NPT7|-|吉里系数|How much near voxels differ from each other (1: no pattern)|邻近体素灰度的差异程度（1为无空间规律）
local|LocalIntensityPeak|loc_peak_loc|VJGA|intensity|局部强度峰值|Average of the cubic centimetre around the brightest voxel (in PET: SUVpeak)|最亮体素周围1立方厘米的平均值（PET中即SUVpeak）
local|GlobalIntensityPeak|loc_peak_glob|0F91|intensity|全局强度峰值|Largest average of any cubic centimetre (in PET: SUVpeak)|任意1立方厘米内平均值的最大者（PET中即SUVpeak）
statistics|Mean|stat_mean|Q4LE|intensity|均值|Average grey value|平均灰度值
statistics|Variance|stat_var|ECT3|intensity²|方差|Spread of the grey values, squared|灰度值离散程度的平方
statistics|Skewness|stat_skew|KE2A|-|偏度|Whether the grey values lean to the dark or the bright side|灰度分布偏向暗侧或亮侧的程度
statistics|ExcessKurtosis|stat_kurt|IPH6|-|超额峰度|How much the grey values are dominated by a peak and rare extremes (0: as in a normal distribution)|灰度分布的尖峰与极端值程度（0为正态分布）
statistics|Median|stat_median|Y12H|intensity|中位数|Middle grey value|灰度值的中位数
statistics|Minimum|stat_min|1GSF|intensity|最小值|Darkest voxel|最暗体素的灰度值
statistics|10Percentile|stat_p10|QG58|intensity|第10百分位数|Grey value that a tenth of the tumour lies below|肿瘤中有十分之一的体素低于该灰度值
statistics|90Percentile|stat_p90|8DWT|intensity|第90百分位数|Grey value that nine tenths of the tumour lie below|肿瘤中有十分之九的体素低于该灰度值
statistics|Maximum|stat_max|84IY|intensity|最大值|Brightest voxel|最亮体素的灰度值
statistics|InterquartileRange|stat_iqr|SALO|intensity|四分位距|Width of the middle half of the grey values|中间一半灰度值的跨度
statistics|Range|stat_range|2OJQ|intensity|极差|Distance between the darkest and the brightest voxel|最亮与最暗体素的灰度差
statistics|MeanAbsoluteDeviation|stat_mad|4FUA|intensity|平均绝对偏差|Average distance of the grey values from their mean|灰度值偏离均值的平均距离
statistics|RobustMeanAbsoluteDeviation|stat_rmad|1128|intensity|稳健平均绝对偏差|Average spread of the grey values without the outer tenths|去掉两端各十分之一后灰度值的平均离散程度
statistics|MedianAbsoluteDeviation|stat_medad|N72L|intensity|中位绝对偏差|Average distance of the grey values from their middle value|灰度值偏离中位数的平均距离
statistics|CoefficientOfVariation|stat_cov|7TET|-|变异系数|Spread of the grey values relative to their mean|灰度值离散程度与均值之比
statistics|QuartileCoefficientOfDispersion|stat_qcod|9S40|-|四分位离散系数|Width of the middle half of the grey values relative to its position|中间一半灰度值的跨度与其位置之比
statistics|Energy|stat_energy|N8CA|intensity²|能量|Sum of the squared grey values (grows with tumour size)|灰度值平方之和（随肿瘤体积增大）
statistics|RootMeanSquare|stat_rms|5ZWQ|intensity|均方根|Typical size of the grey values, large ones weighing more|灰度值的均方根大小（大值权重更高）
histogram|Mean|ih_mean|X6K6|level|均值|Average grey level|平均灰度级
histogram|Variance|ih_var|CH89|level²|方差|Spread of the grey levels, squared|灰度级离散程度的平方
histogram|Skewness|ih_skew|88K1|-|偏度|Whether the grey levels lean to the dark or the bright side|灰度级分布偏向暗侧或亮侧的程度
histogram|ExcessKurtosis|ih_kurt|C3I7|-|超额峰度|How much the grey levels are dominated by a peak and rare extremes (0: as in a normal distribution)|灰度级分布的尖峰与极端值程度（0为正态分布）
histogram|Median|ih_median|WIFQ|level|中位数|Middle grey level|灰度级的中位数
histogram|Minimum|ih_min|1PR8|level|最小值|Darkest grey level|最低灰度级
histogram|10Percentile|ih_p10|GPMT|level|第10百分位数|Grey level that a tenth of the tumour lies below|肿瘤中有十分之一的体素低于该灰度级
histogram|90Percentile|ih_p90|OZ0C|level|第90百分位数|Grey level that nine tenths of the tumour lie below|肿瘤中有十分之九的体素低于该灰度级
histogram|Maximum|ih_max|3NCY|level|最大值|Brightest grey level|最高灰度级
histogram|Mode|ih_mode|AMMC|level|众数|Commonest grey level|最常见的灰度级
histogram|InterquartileRange|ih_iqr|WR0O|level|四分位距|Width of the middle half of the grey levels|中间一半灰度级的跨度
histogram|Range|ih_range|5Z3W|level|极差|Distance between the darkest and the brightest grey level|最高与最低灰度级之差
histogram|MeanAbsoluteDeviation|ih_mad|D2ZX|level|平均绝对偏差|Average distance of the grey levels from their mean|灰度级偏离均值的平均距离
histogram|RobustMeanAbsoluteDeviation|ih_rmad|WRZB|level|稳健平均绝对偏差|Average spread of the grey levels without the outer tenths|去掉两端各十分之一后灰度级的平均离散程度
histogram|MedianAbsoluteDeviation|ih_medad|4RNL|level|中位绝对偏差|Average distance of the grey levels from their middle value|灰度级偏离中位数的平均距离
histogram|CoefficientOfVariation|ih_cov|CWYJ|-|变异系数|Spread of the grey levels relative to their mean|灰度级离散程度与均值之比
histogram|QuartileCoefficientOfDispersion|ih_qcod|SLWD|-|四分位离散系数|Width of the middle half of the grey levels relative to its position|中间一半灰度级的跨度与其位置之比
histogram|Entropy|ih_entropy|TLU2|bit|熵|How unpredictable the grey levels are|灰度级分布的不确定程度
histogram|Uniformity|ih_uniformity|BJ5W|-|均匀度|How much few grey levels prevail|少数灰度级占主导的程度
histogram|MaximumHistogramGradient|ih_max_grad|12CE|voxels|最大直方图梯度|Steepest rise of the histogram|直方图上升最陡处的斜率
histogram|MaximumHistogramGradientIntensity|ih_max_grad_g|8E6O|level|最大直方图梯度灰度级|Grey level at which the histogram rises most steeply|直方图上升最陡处的灰度级
histogram|MinimumHistogramGradient|ih_min_grad|VQB3|voxels|最小直方图梯度|Steepest fall of the histogram|直方图下降最陡处的斜率
histogram|MinimumHistogramGradientIntensity|ih_min_grad_g|RHQZ|level|最小直方图梯度灰度级|Grey level at which the histogram falls most steeply|直方图下降最陡处的灰度级
ivh|VolumeAt10Intensity|ivh_v10|BC2M|-|10%强度处体积分数|Share of the tumour brighter than a tenth of its range of grey values|灰度高于其范围10%处的肿瘤体积比例
ivh|VolumeAt90Intensity|ivh_v90|BC2M|-|90%强度处体积分数|Share of the tumour brighter than nine tenths of its range of grey values|灰度高于其范围90%处的肿瘤体积比例
ivh|IntensityAt10Volume|ivh_i10|GBPN|intensity|10%体积处强度|Grey value that the brightest tenth of the tumour reaches|最亮10%体积所达到的灰度值
ivh|IntensityAt90Volume|ivh_i90|GBPN|intensity|90%体积处强度|Grey value that nine tenths of the tumour reach|90%体积所达到的灰度值
ivh|VolumeDifference10To90|ivh_diff_v10_v90|DDTU|-|体积分数差|Share of the tumour between a tenth and nine tenths of its range of grey values|灰度位于其范围10%至90%之间的肿瘤体积比例
ivh|IntensityDifference10To90|ivh_diff_i10_i90|CNV2|intensity|强度差|Grey values between those of the brightest tenth and of nine tenths of the tumour|最亮10%体积与90%体积所达灰度值之差
ivh|AreaUnderCurve|ivh_auc|9CMM|-|体积直方图曲线下面积|How bright the tumour is within its range of grey values|肿瘤在其灰度范围内的整体明亮程度
glcm|JointMaximum|cm_joint_max|GYBY|-|联合最大值|Share of the commonest pair of neighbouring grey levels|最常见相邻灰度组合所占比例
glcm|JointAverage|cm_joint_avg|60VM|level|联合均值|Average grey level of neighbouring voxels|相邻体素的平均灰度级
glcm|JointVariance|cm_joint_var|UR99|level²|联合方差|Spread of the grey levels of neighbouring voxels|相邻体素灰度级的离散程度
glcm|JointEntropy|cm_joint_entr|TU9B|bit|联合熵|How unpredictable the pairs of neighbouring grey levels are|相邻灰度组合的不确定程度
glcm|DifferenceAverage|cm_diff_avg|TF7R|level|差平均|Average difference between neighbouring grey levels|相邻体素灰度差的平均值
glcm|DifferenceVariance|cm_diff_var|D3YU|level²|差方差|How much the differences between neighbours vary|相邻体素灰度差的变异程度
glcm|DifferenceEntropy|cm_diff_entr|NTRS|bit|差熵|How unpredictable the differences between neighbours are|相邻体素灰度差的不确定程度
glcm|SumAverage|cm_sum_avg|ZGXS|level|和平均|Average sum of neighbouring grey levels|相邻体素灰度之和的平均值
glcm|SumVariance|cm_sum_var|OEEB|level²|和方差|How much the sums of neighbouring grey levels vary|相邻体素灰度之和的变异程度
glcm|SumEntropy|cm_sum_entr|P6QZ|bit|和熵|How unpredictable the sums of neighbouring grey levels are|相邻体素灰度之和的不确定程度
glcm|AngularSecondMoment|cm_energy|8ZQL|-|角二阶矩|How much few kinds of neighbouring pairs prevail|少数相邻灰度组合占主导的程度
glcm|Contrast|cm_contrast|ACUI|level²|对比度|Contrast of neighbouring grey levels|相邻体素的灰度对比
glcm|Dissimilarity|cm_dissimilarity|8S9J|level|相异性|Average difference between neighbouring grey levels|相邻体素灰度差的平均值
glcm|InverseDifference|cm_inv_diff|IB1Z|-|逆差|How alike neighbouring grey levels are|相邻体素灰度的相似程度
glcm|NormalisedInverseDifference|cm_inv_diff_norm|NDRX|-|归一化逆差|How alike neighbouring grey levels are, for the number of grey levels|按灰度级数归一化的相邻灰度相似程度
glcm|InverseDifferenceMoment|cm_inv_diff_mom|WF0Z|-|逆差矩|How alike neighbouring grey levels are, large differences counting least|相邻体素灰度的相似程度（大差异权重更低）
glcm|NormalisedInverseDifferenceMoment|cm_inv_diff_mom_norm|1QCO|-|归一化逆差矩|How alike neighbouring grey levels are, for the number of grey levels, large differences counting least|按灰度级数归一化的相邻灰度相似程度（大差异权重更低）
glcm|InverseVariance|cm_inv_var|E8JP|-|逆方差|How often neighbours differ only slightly, equal ones left out|相邻体素仅有轻微灰度差的程度（不计相等者）
glcm|Correlation|cm_corr|NI2N|-|相关性|How well a voxel's grey level foretells its neighbour's|由一个体素的灰度预测其邻近体素的程度
glcm|Autocorrelation|cm_auto_corr|QWB0|level²|自相关|How often neighbours are both bright|相邻体素同为高灰度的程度
glcm|ClusterTendency|cm_clust_tend|DG8W|level²|聚类趋势|How strongly voxels of like grey level lie together|灰度相近的体素聚集的程度
glcm|ClusterShade|cm_clust_shade|7NFM|level³|聚类阴影|Whether pairs of neighbours lean to the dark or the bright side|相邻体素对偏向暗侧或亮侧的程度
glcm|ClusterProminence|cm_clust_prom|AE86|level⁴|聚类突出度|How far pairs of neighbours stray from the average, extremes weighing most|相邻体素对偏离平均水平的程度（极端值权重最高）
glcm|InformationCorrelation1|cm_info_corr1|R8DG|-|相关信息测度1|How much neighbours tell about each other (0: nothing; more negative: more)|相邻体素之间的信息关联（0为无关，越负越强）
glcm|InformationCorrelation2|cm_info_corr2|JN9H|-|相关信息测度2|How much neighbours tell about each other (0: nothing; towards 1: more)|相邻体素之间的信息关联（0为无关，越近1越强）
glrlm|ShortRunsEmphasis|rlm_sre|22OV|-|短游程优势|How much short streaks of one grey level prevail (fine texture)|同一灰度的短条纹占主导的程度（纹理细）
glrlm|LongRunsEmphasis|rlm_lre|W4KF|voxels²|长游程优势|How much long streaks of one grey level prevail (coarse texture)|同一灰度的长条纹占主导的程度（纹理粗）
glrlm|LowGreyLevelRunEmphasis|rlm_lgre|V3SW|1/level²|低灰度游程优势|How much dark streaks prevail|低灰度条纹占主导的程度
glrlm|HighGreyLevelRunEmphasis|rlm_hgre|G3QZ|level²|高灰度游程优势|How much bright streaks prevail|高灰度条纹占主导的程度
glrlm|ShortRunLowGreyLevelEmphasis|rlm_srlge|HTZT|1/level²|短游程低灰度优势|How much short, dark streaks prevail|低灰度短条纹占主导的程度
glrlm|ShortRunHighGreyLevelEmphasis|rlm_srhge|GD3A|level²|短游程高灰度优势|How much short, bright streaks prevail|高灰度短条纹占主导的程度
glrlm|LongRunLowGreyLevelEmphasis|rlm_lrlge|IVPO|voxels²/level²|长游程低灰度优势|How much long, dark streaks prevail|低灰度长条纹占主导的程度
glrlm|LongRunHighGreyLevelEmphasis|rlm_lrhge|3KUM|voxels²·level²|长游程高灰度优势|How much long, bright streaks prevail|高灰度长条纹占主导的程度
glrlm|GreyLevelNonUniformity|rlm_glnu|R5YN|runs|灰度不均匀度|How unevenly the streaks are spread over the grey levels (grows with size)|条纹在各灰度级分布的不均匀程度（随体积增大）
glrlm|NormalisedGreyLevelNonUniformity|rlm_glnu_norm|OVBL|-|归一化灰度不均匀度|How unevenly the streaks are spread over the grey levels|条纹在各灰度级分布的不均匀程度
glrlm|RunLengthNonUniformity|rlm_rlnu|W92Y|runs|游程长度不均匀度|How unevenly the lengths of streaks are spread (grows with size)|条纹长度分布的不均匀程度（随体积增大）
glrlm|NormalisedRunLengthNonUniformity|rlm_rlnu_norm|IC23|-|归一化游程长度不均匀度|How unevenly the lengths of streaks are spread|条纹长度分布的不均匀程度
glrlm|RunPercentage|rlm_r_perc|9ZK5|-|游程百分比|How fine the streaks are: number of streaks per voxel|条纹的细碎程度（条纹数与体素数之比）
glrlm|GreyLevelVariance|rlm_gl_var|8CE5|level²|灰度方差|How much the grey levels of streaks vary|条纹灰度级的变异程度
glrlm|RunLengthVariance|rlm_rl_var|SXLW|voxels²|游程长度方差|How much the lengths of streaks vary|条纹长度的变异程度
glrlm|RunEntropy|rlm_rl_entr|HJ9O|bit|游程熵|How unpredictable length and grey level of streaks are|条纹长度与灰度的不确定程度
glszm|SmallZoneEmphasis|szm_sze|5QRC|-|小区域优势|How much small patches of one grey level prevail (fine texture)|同一灰度的小斑块占主导的程度（纹理细）
glszm|LargeZoneEmphasis|szm_lze|48P8|voxels²|大区域优势|How much large patches of one grey level prevail (coarse texture)|同一灰度的大斑块占主导的程度（纹理粗）
glszm|LowGreyLevelZoneEmphasis|szm_lgze|XMSY|1/level²|低灰度区域优势|How much dark patches prevail|低灰度斑块占主导的程度
glszm|HighGreyLevelZoneEmphasis|szm_hgze|5GN9|level²|高灰度区域优势|How much bright patches prevail|高灰度斑块占主导的程度
glszm|SmallZoneLowGreyLevelEmphasis|szm_szlge|5RAI|1/level²|小区域低灰度优势|How much small, dark patches prevail|低灰度小斑块占主导的程度
glszm|SmallZoneHighGreyLevelEmphasis|szm_szhge|HW1V|level²|小区域高灰度优势|How much small, bright patches prevail|高灰度小斑块占主导的程度
glszm|LargeZoneLowGreyLevelEmphasis|szm_lzlge|YH51|voxels²/level²|大区域低灰度优势|How much large, dark patches prevail|低灰度大斑块占主导的程度
glszm|LargeZoneHighGreyLevelEmphasis|szm_lzhge|J17V|voxels²·level²|大区域高灰度优势|How much large, bright patches prevail|高灰度大斑块占主导的程度
glszm|GreyLevelNonUniformity|szm_glnu|JNSA|zones|灰度不均匀度|How unevenly the patches are spread over the grey levels (grows with size)|斑块在各灰度级分布的不均匀程度（随体积增大）
glszm|NormalisedGreyLevelNonUniformity|szm_glnu_norm|Y1RO|-|归一化灰度不均匀度|How unevenly the patches are spread over the grey levels|斑块在各灰度级分布的不均匀程度
glszm|ZoneSizeNonUniformity|szm_zsnu|4JP3|zones|区域大小不均匀度|How unevenly the sizes of patches are spread (grows with size)|斑块大小分布的不均匀程度（随体积增大）
glszm|NormalisedZoneSizeNonUniformity|szm_zsnu_norm|VB3A|-|归一化区域大小不均匀度|How unevenly the sizes of patches are spread|斑块大小分布的不均匀程度
glszm|ZonePercentage|szm_z_perc|P30P|-|区域百分比|How fine the patches are: number of patches per voxel|斑块的细碎程度（斑块数与体素数之比）
glszm|GreyLevelVariance|szm_gl_var|BYLV|level²|灰度方差|How much the grey levels of patches vary|斑块灰度级的变异程度
glszm|ZoneSizeVariance|szm_zs_var|3NSA|voxels²|区域大小方差|How much the sizes of patches vary|斑块大小的变异程度
glszm|ZoneSizeEntropy|szm_zs_entr|GU8N|bit|区域大小熵|How unpredictable size and grey level of patches are|斑块大小与灰度的不确定程度
gldzm|SmallDistanceEmphasis|dzm_sde|0GBI|-|小距离优势|How much patches near the tumour's edge prevail|靠近肿瘤边缘的斑块占主导的程度
gldzm|LargeDistanceEmphasis|dzm_lde|MB4I|voxels²|大距离优势|How much patches deep inside the tumour prevail|位于肿瘤深部的斑块占主导的程度
gldzm|LowGreyLevelZoneEmphasis|dzm_lgze|S1RA|1/level²|低灰度区域优势|How much dark patches prevail|低灰度斑块占主导的程度
gldzm|HighGreyLevelZoneEmphasis|dzm_hgze|K26C|level²|高灰度区域优势|How much bright patches prevail|高灰度斑块占主导的程度
gldzm|SmallDistanceLowGreyLevelEmphasis|dzm_sdlge|RUVG|1/level²|小距离低灰度优势|How much dark patches near the edge prevail|靠近边缘的低灰度斑块占主导的程度
gldzm|SmallDistanceHighGreyLevelEmphasis|dzm_sdhge|DKNJ|level²|小距离高灰度优势|How much bright patches near the edge prevail|靠近边缘的高灰度斑块占主导的程度
gldzm|LargeDistanceLowGreyLevelEmphasis|dzm_ldlge|A7WM|voxels²/level²|大距离低灰度优势|How much dark patches deep inside prevail|位于深部的低灰度斑块占主导的程度
gldzm|LargeDistanceHighGreyLevelEmphasis|dzm_ldhge|KLTH|voxels²·level²|大距离高灰度优势|How much bright patches deep inside prevail|位于深部的高灰度斑块占主导的程度
gldzm|GreyLevelNonUniformity|dzm_glnu|VFT7|zones|灰度不均匀度|How unevenly the patches are spread over the grey levels (grows with size)|斑块在各灰度级分布的不均匀程度（随体积增大）
gldzm|NormalisedGreyLevelNonUniformity|dzm_glnu_norm|7HP3|-|归一化灰度不均匀度|How unevenly the patches are spread over the grey levels|斑块在各灰度级分布的不均匀程度
gldzm|ZoneDistanceNonUniformity|dzm_zdnu|V294|zones|区域距离不均匀度|How unevenly the patches are spread over depths (grows with size)|斑块在各深度分布的不均匀程度（随体积增大）
gldzm|NormalisedZoneDistanceNonUniformity|dzm_zdnu_norm|IATH|-|归一化区域距离不均匀度|How unevenly the patches are spread over depths|斑块在各深度分布的不均匀程度
gldzm|ZonePercentage|dzm_z_perc|VIWW|-|区域百分比|How fine the patches are: number of patches per voxel|斑块的细碎程度（斑块数与体素数之比）
gldzm|GreyLevelVariance|dzm_gl_var|QK93|level²|灰度方差|How much the grey levels of patches vary|斑块灰度级的变异程度
gldzm|ZoneDistanceVariance|dzm_zd_var|7WT1|voxels²|区域距离方差|How much the depths of patches vary|斑块深度的变异程度
gldzm|ZoneDistanceEntropy|dzm_zd_entr|GBDU|bit|区域距离熵|How unpredictable depth and grey level of patches are|斑块深度与灰度的不确定程度
ngtdm|Coarseness|ngt_coarseness|QCDE|1/level|粗糙度|How alike a voxel is to the average of its surroundings (coarse texture)|体素与其周围平均灰度的相似程度（纹理粗）
ngtdm|Contrast|ngt_contrast|65HE|level³|对比度|Local grey-level changes together with the overall range|局部灰度变化与整体灰度范围的综合
ngtdm|Busyness|ngt_busyness|NQ30|-|繁忙度|How quickly grey levels change from voxel to voxel|体素间灰度变化的快慢
ngtdm|Complexity|ngt_complexity|HDEZ|level²|复杂度|How many quick changes between differing grey levels there are|不同灰度之间快速变化的多少
ngtdm|Strength|ngt_strength|1X9X|level|强度|How distinct the texture's elements are|纹理单元的清晰程度
ngldm|LowDependenceEmphasis|ngl_lde|SODN|-|低依赖优势|How much voxels unlike their surroundings prevail (fine texture)|与周围不同的体素占主导的程度（纹理细）
ngldm|HighDependenceEmphasis|ngl_hde|IMOQ|voxels²|高依赖优势|How much voxels like their surroundings prevail (coarse texture)|与周围相似的体素占主导的程度（纹理粗）
ngldm|LowGreyLevelCountEmphasis|ngl_lgce|TL9H|1/level²|低灰度计数优势|How much dark voxels prevail|低灰度体素占主导的程度
ngldm|HighGreyLevelCountEmphasis|ngl_hgce|OAE7|level²|高灰度计数优势|How much bright voxels prevail|高灰度体素占主导的程度
ngldm|LowDependenceLowGreyLevelEmphasis|ngl_ldlge|EQ3F|1/level²|低依赖低灰度优势|How much dark voxels unlike their surroundings prevail|与周围不同的低灰度体素占主导的程度
ngldm|LowDependenceHighGreyLevelEmphasis|ngl_ldhge|JA6D|level²|低依赖高灰度优势|How much bright voxels unlike their surroundings prevail|与周围不同的高灰度体素占主导的程度
ngldm|HighDependenceLowGreyLevelEmphasis|ngl_hdlge|NBZI|voxels²/level²|高依赖低灰度优势|How much dark voxels like their surroundings prevail|与周围相似的低灰度体素占主导的程度
ngldm|HighDependenceHighGreyLevelEmphasis|ngl_hdhge|9QMG|voxels²·level²|高依赖高灰度优势|How much bright voxels like their surroundings prevail|与周围相似的高灰度体素占主导的程度
ngldm|GreyLevelNonUniformity|ngl_glnu|FP8K|voxels|灰度不均匀度|How unevenly the voxels are spread over the grey levels (grows with size)|体素在各灰度级分布的不均匀程度（随体积增大）
ngldm|NormalisedGreyLevelNonUniformity|ngl_glnu_norm|5SPA|-|归一化灰度不均匀度|How unevenly the voxels are spread over the grey levels|体素在各灰度级分布的不均匀程度
ngldm|DependenceCountNonUniformity|ngl_dcnu|Z87G|voxels|依赖计数不均匀度|How unevenly the numbers of like neighbours are spread (grows with size)|相似邻近体素数目分布的不均匀程度（随体积增大）
ngldm|NormalisedDependenceCountNonUniformity|ngl_dcnu_norm|OKJI|-|归一化依赖计数不均匀度|How unevenly the numbers of like neighbours are spread|相似邻近体素数目分布的不均匀程度
ngldm|DependenceCountPercentage|ngl_dc_perc|6XV8|-|依赖计数百分比|Share of voxels that have a number of like neighbours (always 1)|具有相似邻近体素的体素比例（恒为1）
ngldm|GreyLevelVariance|ngl_gl_var|1PFV|level²|灰度方差|How much the grey levels of voxels vary|体素灰度级的变异程度
ngldm|DependenceCountVariance|ngl_dc_var|DNX2|voxels²|依赖计数方差|How much the number of like neighbours varies|相似邻近体素数目的变异程度
ngldm|DependenceCountEntropy|ngl_dc_entr|FCBV|bit|依赖计数熵|How unpredictable the number of like neighbours is|相似邻近体素数目的不确定程度
ngldm|DependenceCountEnergy|ngl_dc_energy|CAS9|-|依赖计数能量|How much few numbers of like neighbours prevail|少数相似邻近体素数目占主导的程度
"""


@dataclass(frozen=True)
class Feature:
    """A feature of the standard: where it belongs, what it is called, its unit, and what it means."""

    family: str
    name: str
    tag: str
    code: str
    unit: str
    short_chinese: str
    english: str
    chinese: str


STANDARD = tuple(Feature(*line.split("|")) for line in _TABLE.strip().splitlines())
FAMILIES: dict[str, tuple[str, ...]] = {family: tuple(feature.name for feature in STANDARD if feature.family == family)
                                        for family in dict.fromkeys(feature.family for feature in STANDARD)}
NOT_STANDARDISED = {"ZH1A", "IQYR", "SWZ1", "BRI8", "9CMM"}  # defined, but the field found no common value
DIRECTIONAL = ("glcm", "glrlm")  # a matrix per direction, so that directions and slices are averaged or merged
ZONAL = ("glszm", "gldzm", "ngtdm", "ngldm")  # one matrix per slice or volume
AGGREGATIONS = {  # IBSI code, tag of the reference values, English, Chinese
    "2D-averaged": ("BTW3", "2D_avg", "2-D, averaged", "二维平均"),
    "2D-slice-merged": ("SUJT", "2D_comb", "2-D, slice-merged", "二维切片内合并"),
    "2.5D-direction-merged": ("JJUI", "2_5D_avg", "2.5-D, direction-merged", "2.5维按方向合并"),
    "2.5D-merged": ("ZW7Z", "2_5D_comb", "2.5-D, merged", "2.5维合并"),
    "3D-averaged": ("ITBB", "3D_avg", "3-D, averaged", "三维平均"),
    "3D-merged": ("IAZD", "3D_comb", "3-D, merged", "三维合并"),
    "2D": ("8QNN", "2D", "2-D", "二维"),
    "2.5D": ("62GR", "2_5D", "2.5-D", "2.5维"),
    "3D": ("KOBO", "3D", "3-D", "三维")}
CHOICES = tuple(AGGREGATIONS)[:6]  # what a card may say; matrices without directions take the part before the dash
FAMILY_WORDS = {  # IBSI code, short English, short Chinese
    "morphology": ("HCUG", "morphology", "形态"), "local": ("9ST6", "local intensity", "局部强度"),
    "statistics": ("UHIW", "statistics", "统计"), "histogram": ("ZVCW", "intensity histogram", "强度直方图"),
    "ivh": ("P88C", "intensity-volume histogram", "强度体积直方图"), "glcm": ("LFYI", "GLCM", "共生矩阵"),
    "glrlm": ("TP0I", "GLRLM", "游程矩阵"), "glszm": ("9SAK", "GLSZM", "区域大小矩阵"),
    "gldzm": ("VMDZ", "GLDZM", "区域距离矩阵"), "ngtdm": ("IPET", "NGTDM", "邻域灰度差矩阵"),
    "ngldm": ("REK0", "NGLDM", "邻域灰度依赖矩阵")}


def _written(aggregation: str) -> str:
    return aggregation.replace(".", "-")  # as PyRadiomics writes 1.0 mm in the names of filtered images


def kinds(family: str, aggregations: tuple[str, ...] = CHOICES) -> tuple[str, ...]:
    """List the classes of a family, one per aggregation where there are several, as in `ibsi-glcm-2-5D-merged`."""
    if family in DIRECTIONAL:
        return tuple(f"{PREFIX}{family}-{_written(aggregation)}" for aggregation in aggregations)
    if family in ZONAL:
        dimensions = dict.fromkeys(aggregation.partition("-")[0] for aggregation in aggregations)
        return tuple(f"{PREFIX}{family}-{_written(dimension)}" for dimension in dimensions)
    return (f"{PREFIX}{family}",)


KINDS: dict[str, tuple[str, str]] = {  # class as in a column -> family, aggregation
    f"{PREFIX}{family}{f'-{_written(aggregation)}' if aggregation else ''}": (family, aggregation)
    for family in FAMILIES
    for aggregation in (CHOICES if family in DIRECTIONAL else ("2D", "2.5D", "3D") if family in ZONAL else ("",))}
FEATURES: dict[str, tuple[str, ...]] = {kind: FAMILIES[family] for kind, (family, _) in KINDS.items()}
WORDS: dict[tuple[str, str], Feature] = {(feature.family, feature.name): feature for feature in STANDARD}


def column(tag: str) -> str:
    """Return the column, without its image, of a tag of the reference values; empty for one that is no feature."""
    return _COLUMNS.get(tag, "")


_COLUMNS = {f"{feature.tag}{f'_{AGGREGATIONS[aggregation][1]}' if aggregation else ''}": f"{kind}_{feature.name}"
            for kind, (family, aggregation) in KINDS.items() for feature in STANDARD if feature.family == family}
