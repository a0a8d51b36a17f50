### 简体中文。命令与选项名：最多 32 个字符，不含空格；说明最多 100 个字符。

language = 简体中文

## 命令与选项

name-prompt = 提示词
name-negative-prompt = 反向提示词
name-model = 模型
name-steps = 步数
name-cfg = cfg
name-width = 宽度
name-height = 高度
name-seed = 种子
name-count = 张数
name-sampler = 采样器
name-search = 搜索
name-person = 成员
name-job = 任务
name-kind = 类型
name-maximum = 上限
name-role = 身份组
name-together = 合计
name-style = 风格
name-aspect-ratio = 画幅比例
name-spoiler = 剧透
name-private = 私密
name-favourites = 收藏
name-since = 起始日期
name-until = 截止日期
name-id = 编号
imagine-name = 绘图
imagine-description = 用文字画出图片
option-prompt = 想画什么：主体、场景、光线、风格。(词:1.3) 加强，[词] 减弱
option-negative-prompt = 不想在图里出现的东西
option-model = 用哪个模型（不选则用你的默认模型，或本服务器的）
option-style = 自带词语和设置的风格
option-aspect-ratio = 画面的形状；要精确尺寸就填宽度和高度
option-steps = 步数：越多越慢，也越精细
option-cfg = 贴合提示词的程度
option-width = 宽度（像素）
option-height = 高度（像素）
option-seed = 种子和设置相同，画出的图就相同（-1 为随机）
option-count = 一次画几张，1 到 4
option-sampler = 把噪声变成图片的方法
option-spoiler = 先遮住图片，点击后才显示
option-private = 只有你自己能看到
choice-ratio-1-1 = 1:1（方形）
choice-ratio-5-4 = 5:4（横向）
choice-ratio-4-5 = 4:5（纵向）
choice-ratio-4-3 = 4:3（横向）
choice-ratio-3-4 = 3:4（纵向）
choice-ratio-3-2 = 3:2（横向）
choice-ratio-2-3 = 2:3（纵向）
choice-ratio-16-9 = 16:9（宽屏）
choice-ratio-9-16 = 9:16（竖屏）
history-name = 历史
history-description = 你画过的图，最新的在前
option-history-model = 只看这个模型的图
option-history-search = 只看提示词里含有这些词的图
option-history-person = 查看本服务器其他成员的图（需要管理权限）
option-history-favourites = 只看你收藏的，不管是谁画的
option-history-since = 从这一天起，例如 2026-11-23
option-history-until = 到这一天为止，例如 2026-11-30
show-name = 显示
show-description = 把以前的结果连同按钮再显示出来
option-show-id = 编号，或你写过的词：“更多”和历史里都有
menu-parameters-name = 查看参数
menu-run-again-name = 再画一次
model-name = 模型
model-description = 用来绘图的模型
model-list-name = 列表
model-info-name = 详情
model-use-name = 使用
model-load-name = 加载
model-unload-name = 卸载
model-list-description = 全部模型及其速度、质量和状态
model-info-description = 某个模型的全部信息
model-use-description = 设为本服务器的默认模型（需要“管理服务器”权限）
model-load-description = 现在就加载模型，免得大家等（需要“管理服务器”权限）
model-unload-description = 释放模型占用的显存或内存（需要“管理服务器”权限）
option-model-key = 模型
queue-name = 队列
queue-description = 正在排队和绘制的任务：你的和本服务器的
cancel-name = 取消
cancel-description = 取消你的一个任务
option-cancel-job = 哪个任务（编号）
limits-name = 限额
limits-description = 成员最多能画多少（需要“管理服务器”权限）
limits-show-name = 查看
limits-set-name = 设置
limits-clear-name = 清除
limits-show-description = 这里生效的限额
limits-set-description = 为某个成员、某个身份组或整个服务器设置限额
limits-clear-description = 取消一项限额
option-limits-kind = 同时排队的任务数，或每天的图片数
option-limits-maximum = 允许的最大值；0 表示完全不允许
option-limits-member = 只限这个成员
option-limits-together = 本服务器所有人合计
option-limits-role = 只限拥有这个身份组的人
choice-waiting = 同时排队的任务数
choice-images-a-day = 每天的图片数
settings-name = 设置
settings-description = 本服务器的设置：模型、频道、身份组、风格、语言（需要“管理服务器”权限）
me-name = 我的
me-description = 你自己的默认设置，以及你的数据：导出或删除
help-name = 帮助
help-description = Easel 能做什么，以及写提示词的技巧

## 进行中的任务

queue-next = 排在队首，马上开始
queue-ahead = 排队中，前面还有 { $ahead } 个任务
queue-expected = { $where } · 大约 { $time }后开始
painting-starts = 正在准备绘制
painting-loading = 正在加载模型：{ $text }
stage-downloading = 正在下载，{ NUMBER($done, minimumFractionDigits: 2) } / { NUMBER($total, minimumFractionDigits: 2) } GB
stage-looking-up = 正在查找它的文件
stage-waiting = 另一个程序正在下载它
stage-moving = 正在移到显卡
stage-compiling = 正在编译
stage-loading = { $part }
painting-step = 绘制中，第 { $step } 步，共 { $of } 步
resumed = Easel 重启过，你的任务还在。
finished-away = 在 Easel 重启期间完成。
facts = { $model } · { $sampler } · { $steps } 步 · cfg { $cfg } · { $size } · 种子 { $seed } · { $time }
negative = 反向提示词：{ $negative }
reroll-of = 来自 { $parent }
picture-gone = 这些图片的文件已删除。
shrunk = 超出此处的大小限制，改以 WebP 显示{ $scaled ->
    [yes] ，并已缩小
   *[no] {""}
}。PNG 原图仍保留。
not-shown = 有 { $count } 张图片太大，无法发在这里；原图仍保留。
delivered-elsewhere = 给 { $person }：最初的消息已无法编辑{ $where ->
    [none] {""}
   *[other] （{ $where }）
}。

## 没有图片的结局

cancelled = 已取消。
failed = 这张图没能画出来。{ $reason }
dead = 已尝试 { $attempts } 次，每次都中断了。请换一组设置再试；这个任务不会再自动重试。
unknown-failure = 请再试一次。
notice-model = **模型 { $model } 无法使用。**{ $reason }{ $detail ->
    [none] {""}
   *[other] {" "}{ $detail }
} 任务 { $job } 因此失败；其他模型不受影响。**/{ model-name } { model-load-name }** 可以再试一次。{ $untold ->
    [0] {""}
   *[other] {" "}自上次通知以来，另有 { $untold } 个任务遇到同样的问题。
}
notice-dead = **任务 { $job } 已放弃**：用模型 { $model } 绘制时，绘图程序每次都中断。{ $reason } 队列继续运行。{ $untold ->
    [0] {""}
   *[other] {" "}自上次通知以来，另有 { $untold } 个任务遇到同样的问题。
}



## 按钮与表单

button-reroll = 重画
button-edit = 编辑
button-more = 更多
button-favourite = 收藏
button-send = 发给我
button-favourites = ⭐ 收藏
button-delete = 删除
button-cancel = 取消
button-older = 较早
button-newer = 较新
button-refresh = 刷新
button-newest = 最新
edit-title = 编辑后重画
edit-prompt = 提示词
edit-negative = 反向提示词
edit-steps = 步数
edit-cfg = cfg（贴合提示词的程度）
edit-seed = 种子
edit-seed-hint = 填 -1 为随机
show-again = 再次显示…
favourite-added = ⭐ 已加入你的收藏。**/{ history-name } { name-favourites }** 可以看到全部，文件会一直保留。
favourite-removed = 已从你的收藏中移除。
favourite-which = 喜欢哪几张？再按一次取消。
sent-to-you = 已发到你的私信：{ $link }
more-title = ### { $id }
more-command = 再画一次的命令：
more-parent = **来自**
more-children = { $count ->
    [one] **由它而来**
   *[other] **由它而来**（{ $count }）
}
more-too-large = 有 { $count } 张原图太大，无法发在这里；原图仍保留。










## 服务器设置

settings-title = ### { $server } 的设置
settings-intro = 在这里选择后立即生效。限额用 **/{ limits-name }** 设置。
settings-press = **谁可以重画和编辑别人的图。**删除始终只限作者和管理员。
press-owner = 只有作者本人
press-moderators = 作者和管理员
press-anyone = 本服务器所有人
settings-channels = 可以绘图的**频道**
settings-channels-all = 所有频道
settings-roles = 可以绘图的**身份组**
settings-roles-all = 所有人
settings-language = 成员的语言 Easel 不会说时，使用的**语言**
language-of-server = 跟随本服务器在 Discord 里的语言
settings-preview = { $on ->
    [yes] 绘制时预览：开
   *[no] 绘制时预览：关
}
button-defaults = 默认设置
button-styles = 风格
button-back = 返回
button-numbers = 步数、cfg、尺寸…
button-clear = 全部清除
defaults-title-server = ### 本服务器的默认设置
defaults-intro-server = 请求、风格和成员本人都没有指定时生效。不适合某个模型的项目会自动跳过。
defaults-title-me = ### 你的默认设置
defaults-intro-me = 在哪里绘图都生效，优先于服务器的设置。不适合某个模型的项目会自动跳过。
defaults-model = **模型**
defaults-style = **风格**
defaults-shape = **画幅比例**
defaults-count = **每次张数**
count = { $count } 张
defaults-none-typed = 步数、cfg、尺寸、采样器和反向提示词：由模型决定。
not-set = 未设置
fact = { $name }：{ $value }
choice-model-decides = 由模型决定
numbers-title = 默认设置
numbers-size = 尺寸（像素）
numbers-size-hint = 宽×高，例如 768×512；留空则按画幅比例
numbers-sampler = 采样器

## 风格

styles-title = ### 本服务器的风格
styles-intro = 风格会给提示词加词，也可以附带设置。成员在 **/{ imagine-name }** 里选择。
styles-line = { $kind ->
    [own] • **{ $name }** · 本服务器自建
   *[built-in] • **{ $name }** · 内置
}
styles-hidden = { $name }（已隐藏）
styles-open = 打开一个风格…
style-none = 不用风格
style-words = 提示词：{ $words }
style-without = 反向提示词：{ $words }
style-is-hidden = **{ $name }** 在本服务器已隐藏。
button-new-style = 新建风格…
button-restore = 恢复原样
style-form-title = 风格
style-form-called = 名称
style-form-words = 提示词
style-form-words-hint = { $place } 处放成员自己写的提示词；没有它时，成员的提示词放在最前

## 自己的数据

me-data-title = **你的数据**
me-kept = Easel 保存着你的 { $generations } 个请求和 { $pictures } 张图片（{ $size }）。
button-export = 导出
button-erase = 全部删除…
button-erase-yes = 全部删除
me-erase-ask = ### 要删除 Easel 保存的关于你的一切吗？
    { $generations } 个请求和 { $pictures } 张图片（{ $size }）、你的收藏和默认设置都会永久删除；展示它们的消息，只要 Easel 有权限，也会一并删除。进行中的任务会取消。只有今天的每日限额计数会保留到明天。
me-erasing = 正在删除…
me-erased = 已删除：{ $generations } 个请求及其图片，以及你的其他一切数据。相关消息随后删除。
me-erased-left = 还有 { $generations } 个任务没有结束，请稍后再删除。
me-export = 你的 { $generations } 个请求和 { $pictures } 张图片，以及你的设置。
me-export-part = 一个文件装不下全部：总共有 { $generations } 个请求和 { $pictures } 张图片。更早的图片在 **/{ history-name }** 里。

## 历史

history-title = { $whose ->
    [own] ### 你的图片
   *[other] ### { $person } 的图片
}
history-empty = 这里还什么都没有。用 **/{ imagine-name }** 画点什么吧。
history-no-match = 没有符合的图片。换些词，或去掉筛选条件。
history-no-more = 没有更早的图片了。
history-jump = 查看消息
history-deleted = 文件已删除
days-ago = { $days ->
    [0] 今天
    [1] 昨天
   *[other] { $days } 天前
}




## 模型

models-title = ### 模型
models-line = **{ $key }** · { $state }{ $default ->
    [yes] {" "}· 这里的默认模型
   *[no] {""}
}
models-grades = 速度 { $speed } · 质量 { $quality }{ $size ->
    [none] {""}
   *[other] {" "}· { $size }
}{ $best ->
    [none] {""}
   *[other] {" "}· { $best }
}
models-more = …另有 { $count } 个。在 **/{ model-name } { model-info-name }** 里按名称查找。
model-defaults = 默认：{ $steps } 步，cfg { $cfg }，{ $width }×{ $height }，{ $sampler }
model-ranges = 可用：{ $steps } 步，cfg { $cfg }，尺寸 { $sizes }
model-no-negative = 它没有引导：反向提示词不起作用。
model-stepped = 逐步绘制，与其他人的图一起：{ $samplers }
model-called = 由 diffusers 自己的调度器绘制：{ $samplers }
model-own-sampler = 它有自己的采样器，选哪个都一样。
model-ways-unknown = 有了模型文件才知道哪些采样器可以逐步绘制。
model-licence = 许可证：{ $licence }{ $gated ->
    [yes] {""}；下载前须先在 Hugging Face 上接受
   *[other] {""}
}
model-family = { $family } 系列，来自 { $repository }
model-choice = { $key } — 速度 { $speed }/5，质量 { $quality }/5 — { $best }
state-missing = 尚未下载
state-on-disk = 已下载
state-loading = 加载中
state-loading-share = 加载中，{ $share }%
state-loaded = 已加载
state-broken = 已损坏：{ $detail }
model-used = **{ $key }** 现在是本服务器的默认模型。
model-loading = 正在加载 **{ $key }**：{ $text }
model-loaded = **{ $key }** 已加载。
model-unloaded = **{ $key }** 已卸载。

## 队列与限额

queue-title = ### 队列
queue-server = **本服务器**：{ $waiting } 个任务排队中，{ $running } 个绘制中
queue-empty = 你没有排队中的任务。用 **/{ imagine-name }** 画点什么吧。
queue-line-running = 正在绘制
queue-more = …另有 { $count } 个
cancel-done = 已取消。
cancel-late = 已经画完了。
limits-title = ### 限额
limits-none = 这里没有任何限额。
limits-line = { $who }：{ $kind ->
    [waiting] 同时排队 { $maximum } 个任务
   *[images_a_day] 每天 { $maximum } 张图片
}
limits-everyone = 本服务器所有人合计
limits-each = 本服务器的每个人
limits-saved = 已保存：{ $line }
limits-cleared = 已取消。
limits-not-set = 没有这项限额。

## 帮助

help-text =
    ### Easel 把你描述的画出来
    {"**"}/{ imagine-name }** 雪地里的一只红狐狸 — 然后按 **{ button-reroll }** 换一张，**{ button-edit }** 改提示词，**{ button-delete }** 删掉它。
    {"**"}/{ history-name }** 找到你画过的图 · **/{ queue-name }** 看排队情况 · **/{ cancel-name }** 停止任务 · **/{ model-name } { model-list-name }** 看有哪些模型。
    {"**"}{ button-more }** 告诉你一张图的全部信息，**/{ show-name }** 把它再找回来 · **/{ me-name }** 保存你自己的默认值 · 在消息菜单的 **APP → { menu-parameters-name }** 里，可以看任何图片是怎么画出来的。

    {"**"}写提示词的技巧**
    • 先写主体，再写地点、光线和风格：*悬崖上的灯塔，黄昏的光，水彩画*。
    • 不想要的写进**反向提示词**：*模糊，文字*。
    • **(词:1.3)** 让一个词更重要，**[词]** 则更次要；`\(` 只是括号。FLUX 一类的模型只看文字。
    • 固定**种子**，一次只改一处，就能一步步调整画面。
    • 多数模型的 **cfg** 用 5 到 8；越高越死抠字眼。Turbo 模型用 0。
    • **步数**到 30 左右为止，越多越好。
    • 多数模型更懂英文提示词。
help-default = 本服务器用 **{ $model }** 绘图：{ $best }。

## 错误：发生了什么，该怎么办

error-invalid_request = **{ $field }**：{ $value } 不合适。可用：{ $allowed }。
field-prompt = 提示词
field-negative_prompt = 反向提示词
field-model = 模型
field-steps = 步数
field-cfg = cfg
field-width = 宽度
field-height = 高度
field-seed = 种子
field-count = 张数
field-sampler = 采样器
field-size = 尺寸
field-aspect_ratio = 画幅比例
field-since = 起始日期
field-until = 截止日期
allowed-size = { $model } 可用 { $span }，且为 { $step } 的倍数
allowed-range = { $model } 可用 { $span }
allowed-span = { $span }
allowed-length = { $span } 个字符
allowed-tokens = 最多 { $high } 个 token（词和词的片段）；这里有 { $found } 个
allowed-weaker = 这么长的提示词里，减弱的部分最多 { $high } 处；这里有 { $found } 处
allowed-seed = -1（随机），或不超过 { $high } 的整数
allowed-names = { $names }
allowed-whole = 整数
allowed-number = 数字
allowed-example = 例如 { $example }
error-no-such = { $what ->
    [style] 没有这个风格：
   *[model] 没有这个模型：
}**{ $name }**。{ $close ->
    [none] {""}
   *[other] 你要找的是 { $close } 吗？
}
error-no-style = 风格 { $name } 已经不在了。
error-style-taken = 已经有叫 { $name } 的风格，或者这个名称不能用。请换一个。
error-too-many-styles = 一个服务器最多 { $most } 个风格。请先删除一个。
error-model_unavailable = 模型 **{ $key }** 现在无法使用。请用**模型**选项换一个，或告诉运营这个机器人的人：{ $details }
error-out_of_memory = 内存不够画这张图。请减小尺寸、减少张数，或换一个更小的模型。
error-engine_lost = 绘图程序中断了。请一分钟后再试。
error-generation_failed = 模型在绘制时出错。请再试一次；仍不行就换一组设置。{ $id ->
    [none] {""}
   *[other] 日志里 **{ $id }** 处有详情。
}
error-cancelled = 已取消。
error-queue_closed-stopping = Easel 正在重启。请一分钟后再试。
error-queue_closed-disk_full = 磁盘快满了，暂不接受新任务。需要运营这个机器人的人腾出空间。
error-queue_closed-not_written = 任务没能写入磁盘，所以没有接受。请再试一次；仍不行就告诉运营这个机器人的人。
error-queue_closed-not_cancelled = 磁盘已满，无法取消。请一分钟后再试。
error-limit_reached = { $scope ->
    [person] 你已达到上限
    [guild] 本服务器已达到上限
   *[all] 所有人合计已达到上限
}：{ $kind ->
    [waiting] 同时 { $maximum } 个任务
   *[images_a_day] 每天 { $maximum } 张图片
}。{ $retry ->
    [none] 等其中一个完成后再来。
   *[other] 请在 { $retry }后再来。
}
error-not-yours = 只有这张图的作者或管理员（“管理消息”权限）可以这样做。
error-only-owner = 在本服务器，只有这张图的作者可以这样做。
error-not-here = 这个频道不能绘图。请到 { $channels }。
error-not-role = 本服务器只有这些身份组可以绘图：{ $roles }。请联系服务器的管理者。
error-not-moderator = 查看别人的图片需要这里的“管理消息”权限。不填**成员**就能看自己的。
error-not-manager = 这需要“管理服务器”权限。请联系服务器的管理者。
error-only-in-server = 这只能在服务器里用：私信没有自己的设置。
error-one-of = **成员**、**身份组**和**合计**只能选一个；都不选则限制每个人。
error-gone = 已经找不到这张图了。你的图在 **/{ history-name }** 里。
error-picture-gone = 这些图片的文件已删除，没有可以收藏的了。
error-dm-closed = Discord 不让我给你发私信。请允许本服务器成员向你发私信，或把 Easel 添加到你自己的应用，然后再试。
error-no-files = 我在这个频道不能上传文件，所以没有绘图。请服务器的管理者在这里给我“上传文件”权限，或换个频道。
error-no-picture = 这条消息里没有图片。
error-no-parameters = 这张图没有写明它是怎么画的。许多程序和网站会去掉这些信息；必须是原始文件。
error-picture-elsewhere = 这张图不在 Discord 的服务器上，别处的我不读取。请保存后发到这里。
error-picture-unread = 没能从 Discord 读取这张图。请稍后再试。
error-picture-too-large = 这个文件太大，无法读取。
error-outdated = 这个命令在你的 Discord 载入之后有了变化。请重启 Discord（Ctrl+R）再试。
error-unexpected = 我们这边出了问题，你的东西都没有丢。请再试一次；仍不行就把代码 **{ $id }** 告诉运营这个机器人的人。

## 内置风格

style-photo = 照片
style-cinematic = 电影感
style-anime = 动漫
style-watercolor = 水彩
style-line-art = 线稿
style-pixel-art = 像素画
style-3d = 3D 渲染

## 内置模型最适合什么

best-tiny = 入门：自带，无需下载，画单个物体的小图
best-sdxl-turbo = 一秒出点子：只需一步，没有反向提示词
best-stable-diffusion-v1-5 = 小显存显卡，微调模型最多
best-stable-diffusion-2-1 = 768 像素的风景和建筑
best-stable-diffusion-xl-base = 各种风格的精细图片，需要时间和 8 GB 显存
best-pixart-sigma = 较长的描述，需要 16 GB 显存
best-stable-diffusion-3-5-medium = 多种风格和图中短文字，需要 24 GB 显存
best-flux-1-schnell = 忠于描述的场景，只需四步，需要 40 GB 显存
best-z-image-turbo = 照片和中英文文字，只需八步，需要 24 GB 显存
best-qwen-image = 海报和中英文长文字，需要 64 GB 显存

## 时间与大小

megabytes = { $size } MB
gigabytes = { NUMBER($size, minimumFractionDigits: 1, maximumFractionDigits: 1) } GB
seconds-exact = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } 秒
seconds = { $seconds } 秒
minutes = { $minutes } 分钟
hours = { $hours } 小时 { $minutes } 分钟
