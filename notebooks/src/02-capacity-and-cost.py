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
# # How many replicas, and for how much?
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter). Start from a situation or unfold the
# question and give your own numbers. The tabs show the queue and its knee, what batching brings, a trace under an
# autoscaler, the bill line by line, where another way becomes the cheaper one, and what your own prices change.
# Every price has its date; what is unknown is said, and never counts as nothing.

# %% [markdown] lang="zh"
# # 要几个副本，花多少钱？
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。
# 可以从一个典型场景开始，也可以展开问题，填写自己的数值。
# 各标签页依次是：队列及其拐点，批处理的好处，自动伸缩下的流量轨迹，逐行的账单，
# 另一种方式从哪里起更便宜，以及您自己的价格会改变什么。
# 每个价格都带日期；未知的会注明，绝不按零计。

# %%
from advisor.view import capacity

capacity(lang=LANG)

# %% [markdown] lang="en"
# ## The same in Python
#
# `load_curves` holds what the first tab draws: quantiles over load, the replicas that an objective needs, the knee.

# %% [markdown] lang="zh"
# ## 用 Python 做同样的事
#
# `load_curves` 就是第一个标签页所画的内容：各负载下的分位数、目标所需的副本数，以及拐点。

# %%
from advisor.load_curve import load_curves
from advisor.load_words import load_lines, load_table

curves = load_curves(replicas=3, arrivals_per_s=50, service_s=0.04, response_s=0.15, service_cv=0.4)
print("\n".join(load_lines(curves, LANG)))
load_table(curves, LANG)

# %% [markdown] lang="en"
# ## A trace of your own
#
# `read_arrivals("my.csv")` takes the place of `arrivals`: one time a line, or times and counts.

# %% [markdown] lang="zh"
# ## 自己的流量轨迹
#
# 用 `read_arrivals("my.csv")` 代替 `arrivals`：每行一个时刻，或每行一个时刻和请求数。

# %%
from advisor.capacity_sim import Service, arrivals, scaler
from advisor.trace import traced
from advisor.trace_words import trace_lines

times = arrivals("bursts", rate_per_s=5, duration_s=7200, burst_factor=6, burst_share=0.05, burst_s=300, seed=1)
policy = scaler("knative", target=0.7, start_s=30, min_replicas=0)
found = traced(times, service=Service(0.3, 0.4), policy=policy, response_s=1)
print("\n".join(trace_lines(found, LANG)))

# %% [markdown] lang="en"
# ## The bill and the break-even
#
# `bill` and `plans` are tables with numbers in their cells; `break_even` finds every crossing and says it in sentences.

# %% [markdown] lang="zh"
# ## 账单与盈亏平衡
#
# `bill` 和 `plans` 是单元格中为数字的表；`break_even` 找出所有交点，并用句子说明。

# %%
from advisor import Requirements, advise

advice = advise(Requirements(model="resnet50", qps=50, p99_ms=150, country="US"))
advice.bill(lang=LANG)

# %%
print("\n".join(advice.break_even(axis="hours", lang=LANG).lines))

# %% [markdown] lang="en"
# Prices of your own: `advise(asked, load(prices="mine.csv"))`.
#
# ## Try it
#
# 1. Double the replicas and the traffic in the first tab. Is the p99 the same? Why does a large fleet need less spare?
# 2. Set the variation of the service time to 0, then to 2. How far does the knee move?
# 3. Give the trace a lag of 300 s. Who pays for it: the requests that wait, or you?
# 4. Which line of your bill is an estimate? Which one would you ask the provider about first?
# 5. Choose your own server and a cloud, along the months. When has the server paid for itself?

# %% [markdown] lang="zh"
# 用自己的价格：`advise(asked, load(prices="mine.csv"))`。
#
# ## 试一试
#
# 1. 在第一个标签页把副本数和流量都加倍。p99 一样吗？为什么大的副本群需要的余量更少？
# 2. 把服务时间的变异系数设为 0，再设为 2。拐点移动了多少？
# 3. 把轨迹的启动滞后设为 300 秒。代价由谁承担：等待的请求，还是您？
# 4. 您的账单里哪一行是估计值？您会先向服务商询问哪一行？
# 5. 选自有服务器和一种云，横轴选月数。服务器什么时候回本？
