# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["only-in-source"]
LANG = "en"

# %% [markdown] lang="en"
# # Is this number real?
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter). You see what the predicted latencies
# are fitted on, how far off they were on devices and models that were hidden from the fit, what their labels mean,
# and where they end. In between you ask for a prediction yourself and see it beside what others measured. Every figure
# is read from the data of the fit or asked while you watch.

# %% [markdown] lang="zh"
# # 这个数字可信吗？
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。您会看到预测的延迟是用什么拟合的，
# 在拟合时隐去的设备和模型上误差有多大，标签是什么意思，适用到哪里为止。
# 中间还可以自己提问，把预测和别人的实测放在一起看。每个数字都取自拟合数据，或在您运行时现场计算。

# %%
from advisor.view import accuracy

accuracy(lang=LANG)

# %% [markdown] lang="en"
# ## Measure it yourself
#
# Your own measurement beats every prediction. The second tab of [the advice](01-advise.ipynb) times a small ONNX model
# or your own on the machine that runs this notebook; `advisor measure` does the same on the command line, and
# `advisor score` compares the predictions with a table of your measurements.
#
# ## The same in Python
#
# `predict` answers with an interval, a label and the sources; what cannot be predicted is a refusal with its reason.

# %% [markdown] lang="zh"
# ## 自己实测
#
# 您自己的实测胜过任何预测。[选型建议](01-advise.ipynb)的第二个标签页可以在运行本笔记本的机器上
# 实测一个小型 ONNX 模型或您自己的模型；`advisor measure` 在命令行上做同样的事，
# `advisor score` 把预测与您的一张实测表作比较。
#
# ## 用 Python 做同样的事
#
# `predict` 给出区间、标签和来源；无法预测时返回拒绝及其原因。

# %%
from advisor import predict

said = predict("resnet50", "nvidia-l4", precision="int8", batch=8)
said.latency_ms, said.fidelity

# %% [markdown] lang="en"
# The figures of the fit are a table like every other.

# %% [markdown] lang="zh"
# 拟合的各项数字和其他数据一样，也是一张表。

# %%
from advisor import load

fit = load().table("calibrations/latency")
fit["dated"], fit["rows_one_shot"], fit["held_out_devices"][0]

# %% [markdown] lang="en"
# ## Try it
#
# 1. Find a dot outside its interval. Which engine is it, and who measured it?
# 2. Which kind of device has few devices behind its figures? Would you buy a hundred boards on that?
# 3. Compare the widths of the four intervals. Is theory always the widest? What would you measure first?

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. 找一个落在区间之外的圆点。它用的是哪种引擎，是谁测的？
# 2. 哪一类设备的数字背后只有少数几种设备？您会凭它采购一百块板卡吗？
# 3. 比较四个区间的宽度。理论值总是最宽的吗？您会先测什么？
