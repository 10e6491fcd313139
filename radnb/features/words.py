"""Plain words for every feature of PyRadiomics 3.0.1: class, feature, short Chinese name, English, Chinese."""

# ruff: noqa: E501 - one line per feature
from __future__ import annotations

_TABLE = """
firstorder|10Percentile|第10百分位数|Grey value that a tenth of the tumour lies below|肿瘤中有十分之一的体素低于该灰度值
firstorder|90Percentile|第90百分位数|Grey value that nine tenths of the tumour lie below|肿瘤中有十分之九的体素低于该灰度值
firstorder|Energy|能量|Sum of the squared grey values (grows with tumour size)|灰度值平方之和（随肿瘤体积增大）
firstorder|Entropy|熵|How unpredictable the grey values are|灰度值分布的不确定程度
firstorder|InterquartileRange|四分位距|Width of the middle half of the grey values|中间一半灰度值的跨度
firstorder|Kurtosis|峰度|How much the grey values are dominated by a peak and rare extremes|灰度分布的尖峰与极端值程度
firstorder|Maximum|最大值|Brightest voxel|最亮体素的灰度值
firstorder|MeanAbsoluteDeviation|平均绝对偏差|Average distance of the grey values from their mean|灰度值偏离均值的平均距离
firstorder|Mean|均值|Average grey value|平均灰度值
firstorder|Median|中位数|Middle grey value|灰度值的中位数
firstorder|Minimum|最小值|Darkest voxel|最暗体素的灰度值
firstorder|Range|极差|Distance between the darkest and the brightest voxel|最亮与最暗体素的灰度差
firstorder|RobustMeanAbsoluteDeviation|稳健平均绝对偏差|Average spread of the grey values without the outer tenths|去掉两端各十分之一后灰度值的平均离散程度
firstorder|RootMeanSquared|均方根|Typical size of the grey values, large ones weighing more|灰度值的均方根大小（大值权重更高）
firstorder|Skewness|偏度|Whether the grey values lean to the dark or the bright side|灰度分布偏向暗侧或亮侧的程度
firstorder|StandardDeviation|标准差|Spread of the grey values|灰度值的离散程度
firstorder|TotalEnergy|总能量|Sum of the squared grey values times the voxel volume (grows with tumour size)|灰度值平方之和乘以体素体积（随肿瘤体积增大）
firstorder|Uniformity|均匀度|How much few grey levels prevail|少数灰度级占主导的程度
firstorder|Variance|方差|Spread of the grey values, squared|灰度值离散程度的平方
glcm|Autocorrelation|自相关|How often neighbours are both bright|相邻体素同为高灰度的程度
glcm|ClusterProminence|聚类突出度|How far pairs of neighbours stray from the average, extremes weighing most|相邻体素对偏离平均水平的程度（极端值权重最高）
glcm|ClusterShade|聚类阴影|Whether pairs of neighbours lean to the dark or the bright side|相邻体素对偏向暗侧或亮侧的程度
glcm|ClusterTendency|聚类趋势|How strongly voxels of like grey level lie together|灰度相近的体素聚集的程度
glcm|Contrast|对比度|Contrast of neighbouring grey levels|相邻体素的灰度对比
glcm|Correlation|相关性|How well a voxel's grey level foretells its neighbour's|由一个体素的灰度预测其邻近体素的程度
glcm|DifferenceAverage|差平均|Average difference between neighbouring grey levels|相邻体素灰度差的平均值
glcm|DifferenceEntropy|差熵|How unpredictable the differences between neighbours are|相邻体素灰度差的不确定程度
glcm|DifferenceVariance|差方差|How much the differences between neighbours vary|相邻体素灰度差的变异程度
glcm|Dissimilarity|相异性|Average difference between neighbouring grey levels|相邻体素灰度差的平均值
glcm|Homogeneity1|同质性1|How alike neighbouring grey levels are|相邻体素灰度的相似程度
glcm|Homogeneity2|同质性2|How alike neighbouring grey levels are, large differences counting least|相邻体素灰度的相似程度（大差异权重更低）
glcm|Id|逆差|How alike neighbouring grey levels are|相邻体素灰度的相似程度
glcm|Idm|逆差矩|How alike neighbouring grey levels are, large differences counting least|相邻体素灰度的相似程度（大差异权重更低）
glcm|Idmn|归一化逆差矩|How alike neighbouring grey levels are, for the number of grey levels, large differences counting least|按灰度级数归一化的相邻灰度相似程度（大差异权重更低）
glcm|Idn|归一化逆差|How alike neighbouring grey levels are, for the number of grey levels|按灰度级数归一化的相邻灰度相似程度
glcm|Imc1|相关信息测度1|How much neighbours tell about each other (0: nothing; more negative: more)|相邻体素之间的信息关联（0为无关，越负越强）
glcm|Imc2|相关信息测度2|How much neighbours tell about each other (0: nothing; towards 1: more)|相邻体素之间的信息关联（0为无关，越近1越强）
glcm|InverseVariance|逆方差|How often neighbours differ only slightly, equal ones left out|相邻体素仅有轻微灰度差的程度（不计相等者）
glcm|JointAverage|联合均值|Average grey level of neighbouring voxels|相邻体素的平均灰度级
glcm|JointEnergy|联合能量|How much few kinds of neighbouring pairs prevail|少数相邻灰度组合占主导的程度
glcm|JointEntropy|联合熵|How unpredictable the pairs of neighbouring grey levels are|相邻灰度组合的不确定程度
glcm|MCC|最大相关系数|Strongest relation that can be found between neighbouring grey levels|相邻灰度之间可达到的最强相关
glcm|MaximumProbability|最大概率|Share of the commonest pair of neighbouring grey levels|最常见相邻灰度组合所占比例
glcm|SumAverage|和平均|Average sum of neighbouring grey levels|相邻体素灰度之和的平均值
glcm|SumEntropy|和熵|How unpredictable the sums of neighbouring grey levels are|相邻体素灰度之和的不确定程度
glcm|SumSquares|平方和|Spread of the grey levels of neighbouring voxels|相邻体素灰度级的离散程度
glcm|SumVariance|和方差|How strongly voxels of like grey level lie together|灰度相近的体素聚集的程度
gldm|DependenceEntropy|依赖熵|How unpredictable the number of like neighbours is|相似邻近体素数目的不确定程度
gldm|DependenceNonUniformity|依赖不均匀度|How unevenly the numbers of like neighbours are spread (grows with size)|相似邻近体素数目分布的不均匀程度（随体积增大）
gldm|DependenceNonUniformityNormalized|归一化依赖不均匀度|How unevenly the numbers of like neighbours are spread|相似邻近体素数目分布的不均匀程度
gldm|DependencePercentage|依赖百分比|Share of voxels that have a number of like neighbours (always 1)|具有相似邻近体素的体素比例（恒为1）
gldm|DependenceVariance|依赖方差|How much the number of like neighbours varies|相似邻近体素数目的变异程度
gldm|GrayLevelNonUniformity|灰度不均匀度|How unevenly the voxels are spread over the grey levels (grows with size)|体素在各灰度级分布的不均匀程度（随体积增大）
gldm|GrayLevelNonUniformityNormalized|归一化灰度不均匀度|How unevenly the voxels are spread over the grey levels|体素在各灰度级分布的不均匀程度
gldm|GrayLevelVariance|灰度方差|Spread of the grey levels|灰度级的离散程度
gldm|HighGrayLevelEmphasis|高灰度优势|How much bright voxels prevail|高灰度体素占主导的程度
gldm|LargeDependenceEmphasis|大依赖优势|How much uniform neighbourhoods prevail|均一邻域占主导的程度
gldm|LargeDependenceHighGrayLevelEmphasis|大依赖高灰度优势|How much bright, uniform neighbourhoods prevail|高灰度均一邻域占主导的程度
gldm|LargeDependenceLowGrayLevelEmphasis|大依赖低灰度优势|How much dark, uniform neighbourhoods prevail|低灰度均一邻域占主导的程度
gldm|LowGrayLevelEmphasis|低灰度优势|How much dark voxels prevail|低灰度体素占主导的程度
gldm|SmallDependenceEmphasis|小依赖优势|How much varied neighbourhoods prevail|多变邻域占主导的程度
gldm|SmallDependenceHighGrayLevelEmphasis|小依赖高灰度优势|How much bright, varied neighbourhoods prevail|高灰度多变邻域占主导的程度
gldm|SmallDependenceLowGrayLevelEmphasis|小依赖低灰度优势|How much dark, varied neighbourhoods prevail|低灰度多变邻域占主导的程度
glrlm|GrayLevelNonUniformity|灰度不均匀度|How unevenly streaks are spread over the grey levels (grows with size)|条纹在各灰度级分布的不均匀程度（随体积增大）
glrlm|GrayLevelNonUniformityNormalized|归一化灰度不均匀度|How unevenly streaks are spread over the grey levels|条纹在各灰度级分布的不均匀程度
glrlm|GrayLevelVariance|灰度方差|Spread of the grey levels of streaks|条纹灰度级的离散程度
glrlm|HighGrayLevelRunEmphasis|高灰度游程优势|How much bright streaks prevail|高灰度条纹占主导的程度
glrlm|LongRunEmphasis|长游程优势|How much long streaks of one grey level prevail (coarse texture)|同一灰度的长条纹占主导的程度（纹理粗）
glrlm|LongRunHighGrayLevelEmphasis|长游程高灰度优势|How much long, bright streaks prevail|高灰度长条纹占主导的程度
glrlm|LongRunLowGrayLevelEmphasis|长游程低灰度优势|How much long, dark streaks prevail|低灰度长条纹占主导的程度
glrlm|LowGrayLevelRunEmphasis|低灰度游程优势|How much dark streaks prevail|低灰度条纹占主导的程度
glrlm|RunEntropy|游程熵|How unpredictable length and grey level of streaks are|条纹长度与灰度的不确定程度
glrlm|RunLengthNonUniformity|游程长度不均匀度|How unevenly the lengths of streaks are spread (grows with size)|条纹长度分布的不均匀程度（随体积增大）
glrlm|RunLengthNonUniformityNormalized|归一化游程长度不均匀度|How unevenly the lengths of streaks are spread|条纹长度分布的不均匀程度
glrlm|RunPercentage|游程百分比|How fine the streaks are: number of streaks per voxel|条纹的细碎程度（条纹数与体素数之比）
glrlm|RunVariance|游程方差|How much the lengths of streaks vary|条纹长度的变异程度
glrlm|ShortRunEmphasis|短游程优势|How much short streaks prevail (fine texture)|短条纹占主导的程度（纹理细）
glrlm|ShortRunHighGrayLevelEmphasis|短游程高灰度优势|How much short, bright streaks prevail|高灰度短条纹占主导的程度
glrlm|ShortRunLowGrayLevelEmphasis|短游程低灰度优势|How much short, dark streaks prevail|低灰度短条纹占主导的程度
glszm|GrayLevelNonUniformity|灰度不均匀度|How unevenly patches are spread over the grey levels (grows with size)|斑块在各灰度级分布的不均匀程度（随体积增大）
glszm|GrayLevelNonUniformityNormalized|归一化灰度不均匀度|How unevenly patches are spread over the grey levels|斑块在各灰度级分布的不均匀程度
glszm|GrayLevelVariance|灰度方差|Spread of the grey levels of patches|斑块灰度级的离散程度
glszm|HighGrayLevelZoneEmphasis|高灰度区域优势|How much bright patches prevail|高灰度斑块占主导的程度
glszm|LargeAreaEmphasis|大区域优势|How much large patches of one grey level prevail (coarse texture)|同一灰度的大斑块占主导的程度（纹理粗）
glszm|LargeAreaHighGrayLevelEmphasis|大区域高灰度优势|How much large, bright patches prevail|高灰度大斑块占主导的程度
glszm|LargeAreaLowGrayLevelEmphasis|大区域低灰度优势|How much large, dark patches prevail|低灰度大斑块占主导的程度
glszm|LowGrayLevelZoneEmphasis|低灰度区域优势|How much dark patches prevail|低灰度斑块占主导的程度
glszm|SizeZoneNonUniformity|区域大小不均匀度|How unevenly the sizes of patches are spread (grows with size)|斑块大小分布的不均匀程度（随体积增大）
glszm|SizeZoneNonUniformityNormalized|归一化区域大小不均匀度|How unevenly the sizes of patches are spread|斑块大小分布的不均匀程度
glszm|SmallAreaEmphasis|小区域优势|How much small patches prevail (fine texture)|小斑块占主导的程度（纹理细）
glszm|SmallAreaHighGrayLevelEmphasis|小区域高灰度优势|How much small, bright patches prevail|高灰度小斑块占主导的程度
glszm|SmallAreaLowGrayLevelEmphasis|小区域低灰度优势|How much small, dark patches prevail|低灰度小斑块占主导的程度
glszm|ZoneEntropy|区域熵|How unpredictable size and grey level of patches are|斑块大小与灰度的不确定程度
glszm|ZonePercentage|区域百分比|How fine the patches are: number of patches per voxel|斑块的细碎程度（斑块数与体素数之比）
glszm|ZoneVariance|区域方差|How much the sizes of patches vary|斑块大小的变异程度
ngtdm|Busyness|繁忙度|How quickly grey levels change from voxel to voxel|体素间灰度变化的快慢
ngtdm|Coarseness|粗糙度|How alike a voxel is to the average of its surroundings (coarse texture)|体素与其周围平均灰度的相似程度（纹理粗）
ngtdm|Complexity|复杂度|How many quick changes between differing grey levels there are|不同灰度之间快速变化的多少
ngtdm|Contrast|对比度|Local grey-level changes together with the overall range|局部灰度变化与整体灰度范围的综合
ngtdm|Strength|强度|How distinct the texture's elements are|纹理单元的清晰程度
shape|Compactness1|紧密度1|How compact the tumour is, compared with a ball|与球体相比肿瘤的紧密程度
shape|Compactness2|紧密度2|How compact the tumour is, compared with a ball (1: a ball)|与球体相比肿瘤的紧密程度（1为球体）
shape|Elongation|伸长度|Second longest axis relative to the longest (1: not elongated)|次长轴与最长轴之比（1为无伸长）
shape|Flatness|扁平度|Shortest axis relative to the longest (1: not flat)|最短轴与最长轴之比（1为不扁平）
shape|LeastAxisLength|最短轴长|Length of the shortest axis (mm)|最短轴长度（mm）
shape|MajorAxisLength|长轴长|Length of the longest axis (mm)|最长轴长度（mm）
shape|Maximum2DDiameterColumn|冠状面最大径|Largest diameter in the coronal plane (mm)|冠状面最大径（mm）
shape|Maximum2DDiameterRow|矢状面最大径|Largest diameter in the sagittal plane (mm)|矢状面最大径（mm）
shape|Maximum2DDiameterSlice|横断面最大径|Largest diameter in the axial plane (mm)|横断面最大径（mm）
shape|Maximum3DDiameter|三维最大径|Largest diameter in any direction (mm)|任意方向的最大径（mm）
shape|MeshVolume|网格体积|Tumour volume (mm³)|肿瘤体积（mm³）
shape|MinorAxisLength|次长轴长|Length of the second longest axis (mm)|次长轴长度（mm）
shape|SphericalDisproportion|球形失配度|How much more surface the tumour has than a ball of its volume (1: a ball)|肿瘤表面积与等体积球体之比（1为球体）
shape|Sphericity|球形度|How much the tumour resembles a ball (1: a ball)|肿瘤接近球体的程度（1为球体）
shape|SurfaceArea|表面积|Tumour surface (mm²)|肿瘤表面积（mm²）
shape|SurfaceVolumeRatio|表面积体积比|Surface per volume: high for small or ragged tumours (1/mm)|表面积与体积之比，小或不规则肿瘤较高（1/mm）
shape|VoxelVolume|体素体积|Tumour volume as the sum of its voxels (mm³)|由体素累加的肿瘤体积（mm³）
shape2D|Elongation|伸长度|Short axis of the outline relative to the long one (1: not elongated)|轮廓短轴与长轴之比（1为无伸长）
shape2D|MajorAxisLength|长轴长|Length of the outline's long axis (mm)|轮廓长轴长度（mm）
shape2D|MaximumDiameter|最大径|Largest diameter of the outline (mm)|轮廓最大径（mm）
shape2D|MeshSurface|网格面积|Area inside the outline (mm²)|轮廓内面积（mm²）
shape2D|MinorAxisLength|短轴长|Length of the outline's short axis (mm)|轮廓短轴长度（mm）
shape2D|Perimeter|周长|Length of the outline (mm)|轮廓周长（mm）
shape2D|PerimeterSurfaceRatio|周长面积比|Outline per area: high for small or ragged outlines (1/mm)|周长与面积之比，小或不规则轮廓较高（1/mm）
shape2D|PixelSurface|像素面积|Area as the sum of the pixels (mm²)|由像素累加的面积（mm²）
shape2D|SphericalDisproportion|圆形失配度|How much longer the outline is than a circle of its area (1: a circle)|轮廓周长与等面积圆之比（1为圆）
shape2D|Sphericity|圆形度|How much the outline resembles a circle (1: a circle)|轮廓接近圆的程度（1为圆）
"""
FEATURE_WORDS: dict[tuple[str, str], tuple[str, str, str]] = {  # (class, feature) -> short zh, en, zh
    (kind, feature): (brief, english, chinese)
    for kind, feature, brief, english, chinese in (line.split("|") for line in _TABLE.strip().splitlines())}
CLASS_WORDS = {  # short English, short Chinese
    "firstorder": ("histogram", "直方图"), "glcm": ("GLCM", "共生矩阵"), "gldm": ("GLDM", "依赖矩阵"),
    "glrlm": ("GLRLM", "游程矩阵"), "glszm": ("GLSZM", "区域大小矩阵"), "ngtdm": ("NGTDM", "邻域灰度差矩阵"),
    "shape": ("shape", "形状"), "shape2D": ("2-D shape", "二维形状")}
PHASE_WORDS = {  # English, Chinese
    "plain": ("plain scan", "平扫"), "arterial": ("arterial phase", "动脉期"),
    "late_arterial": ("late arterial phase", "动脉晚期"), "pancreatic": ("pancreatic phase", "胰腺期"),
    "portal": ("portal-venous phase", "门静脉期"), "portal_venous": ("portal-venous phase", "门静脉期"),
    "venous": ("venous phase", "静脉期"), "delayed": ("delayed phase", "延迟期"),
    "equilibrium": ("equilibrium phase", "平衡期"), "hepatobiliary": ("hepatobiliary phase", "肝胆期"),
    "t1": ("T1-weighted", "T1加权"), "t2": ("T2-weighted", "T2加权"), "dwi": ("diffusion-weighted", "弥散加权"),
    "adc": ("ADC map", "ADC图"), "pet": ("PET", "PET"), "ct": ("CT", "CT")}
