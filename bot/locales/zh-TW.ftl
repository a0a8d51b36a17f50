### 繁體中文（台灣）。指令與選項名稱：最多 32 個字元，不含空格；說明最多 100 個字元。

language = 繁體中文

## 指令與選項

name-prompt = 提示詞
name-negative-prompt = 反向提示詞
name-model = 模型
name-steps = 步數
name-cfg = cfg
name-width = 寬度
name-height = 高度
name-seed = 種子
name-count = 張數
name-sampler = 取樣器
name-search = 搜尋
name-person = 成員
name-job = 工作
name-kind = 類型
name-maximum = 上限
name-role = 身分組
name-together = 合計
name-style = 風格
name-aspect-ratio = 畫面比例
name-spoiler = 劇透
name-private = 私密
name-favourites = 最愛
name-since = 起始日期
name-until = 截止日期
name-id = 編號
imagine-name = 繪圖
imagine-description = 用文字畫出圖片
option-prompt = 想畫什麼：主體、場景、光線、風格。(詞:1.3) 加強，[詞] 減弱
option-negative-prompt = 不想在圖裡出現的東西
option-model = 用哪個模型（不選就用你的預設模型，或這個伺服器的）
option-style = 自帶字詞和設定的風格
option-aspect-ratio = 畫面的形狀；要精確尺寸就填寬度和高度
option-steps = 步數：越多越慢，也越細緻
option-cfg = 貼近提示詞的程度
option-width = 寬度（像素）
option-height = 高度（像素）
option-seed = 種子和設定都相同，畫出來的圖就相同（-1 為隨機）
option-count = 一次畫幾張，1 到 4
option-sampler = 把雜訊變成圖片的方法
option-spoiler = 先遮住圖片，點一下才顯示
option-private = 只有你自己看得到
choice-ratio-1-1 = 1:1（正方形）
choice-ratio-5-4 = 5:4（橫式）
choice-ratio-4-5 = 4:5（直式）
choice-ratio-4-3 = 4:3（橫式）
choice-ratio-3-4 = 3:4（直式）
choice-ratio-3-2 = 3:2（橫式）
choice-ratio-2-3 = 2:3（直式）
choice-ratio-16-9 = 16:9（寬螢幕）
choice-ratio-9-16 = 9:16（手機直式）
history-name = 紀錄
history-description = 你畫過的圖，由新到舊
option-history-model = 只看這個模型的圖
option-history-search = 只看提示詞裡有這些字的圖
option-history-person = 查看這個伺服器其他成員的圖（限管理員）
option-history-favourites = 只看你的最愛，不管是誰畫的
option-history-since = 從這一天起，例如 2026-11-23
option-history-until = 到這一天為止，例如 2026-11-30
show-name = 顯示
show-description = 把以前的結果連同按鈕再顯示出來
option-show-id = 編號，或你寫過的字詞：「更多」和紀錄裡都有
menu-parameters-name = 查看參數
menu-run-again-name = 再畫一次
model-name = 模型
model-description = 用來繪圖的模型
model-list-name = 列表
model-info-name = 詳情
model-use-name = 使用
model-load-name = 載入
model-unload-name = 卸載
model-list-description = 所有模型的速度、品質與狀態
model-info-description = 某個模型的完整資訊
model-use-description = 設為這個伺服器的預設模型（需要「管理伺服器」權限）
model-load-description = 現在就載入模型，免得大家等（需要「管理伺服器」權限）
model-unload-description = 釋放模型占用的記憶體（需要「管理伺服器」權限）
option-model-key = 模型
queue-name = 佇列
queue-description = 排隊中和繪製中的工作：你的和這個伺服器的
cancel-name = 取消
cancel-description = 取消你的一個工作
option-cancel-job = 哪個工作（編號）
limits-name = 額度
limits-description = 成員最多能畫多少（需要「管理伺服器」權限）
limits-show-name = 查看
limits-set-name = 設定
limits-clear-name = 清除
limits-show-description = 這裡生效的額度
limits-set-description = 為某位成員、某個身分組或整個伺服器設定額度
limits-clear-description = 移除一項額度
option-limits-kind = 同時排隊的工作數，或每天的圖片數
option-limits-maximum = 允許的最大值；0 表示完全不允許
option-limits-member = 只限這位成員
option-limits-together = 這個伺服器所有人合計
option-limits-role = 只限擁有這個身分組的人
choice-waiting = 同時排隊的工作數
choice-images-a-day = 每天的圖片數
settings-name = 設定
settings-description = 這個伺服器的設定：模型、頻道、身分組、風格、語言（需要「管理伺服器」權限）
me-name = 我的
me-description = 你自己的預設值，以及你的資料：匯出或刪除
help-name = 說明
help-description = Easel 能做什麼，以及寫提示詞的訣竅

## 進行中的工作

queue-next = 排在最前面，馬上開始
queue-ahead = 排隊中，前面還有 { $ahead } 個工作
queue-expected = { $where } · 大約 { $time }後開始
painting-starts = 正在準備繪製
painting-loading = 正在載入模型：{ $text }
stage-downloading = 正在下載，{ NUMBER($done, minimumFractionDigits: 2) } / { NUMBER($total, minimumFractionDigits: 2) } GB
stage-looking-up = 正在尋找它的檔案
stage-waiting = 另一個程式正在下載它
stage-moving = 正在移到顯示卡
stage-compiling = 正在編譯
stage-loading = { $part }
painting-step = 繪製中，第 { $step } 步，共 { $of } 步
resumed = Easel 重新啟動過，你的工作還在。
finished-away = 在 Easel 重新啟動期間完成。
facts = { $model } · { $sampler } · { $steps } 步 · cfg { $cfg } · { $size } · 種子 { $seed } · { $time }
negative = 反向提示詞：{ $negative }
reroll-of = 來自 { $parent }
picture-gone = 這些圖片的檔案已刪除。
shrunk = 超過這裡的檔案大小限制，改以 WebP 顯示{ $scaled ->
    [yes] ，並已縮小
   *[no] {""}
}。PNG 原圖仍會保留。
not-shown = 有 { $count } 張圖片太大，無法貼在這裡；原圖仍會保留。
delivered-elsewhere = 給 { $person }：最初的訊息已無法編輯{ $where ->
    [none] {""}
   *[other] （{ $where }）
}。

## 沒有圖片的結局

cancelled = 已取消。
failed = 這張圖沒能畫出來。{ $reason }
dead = 已嘗試 { $attempts } 次，每次都中斷了。請換一組設定再試；這個工作不會再自動重試。
unknown-failure = 請再試一次。
notice-model = **模型 { $model } 無法使用。**{ $reason }{ $detail ->
    [none] {""}
   *[other] {" "}{ $detail }
} 工作 { $job } 因此失敗；其他模型不受影響。**/{ model-name } { model-load-name }** 可以再試一次。{ $untold ->
    [0] {""}
   *[other] {" "}自上次通知以來，另有 { $untold } 個工作遇到同樣的問題。
}
notice-dead = **工作 { $job } 已放棄**：用模型 { $model } 繪製時，繪圖程式每次都中斷。{ $reason } 佇列繼續執行。{ $untold ->
    [0] {""}
   *[other] {" "}自上次通知以來，另有 { $untold } 個工作遇到同樣的問題。
}



## 按鈕與表單

button-reroll = 重畫
button-edit = 編輯
button-more = 更多
button-favourite = 最愛
button-send = 傳給我
button-favourites = ⭐ 最愛
button-delete = 刪除
button-cancel = 取消
button-older = 較舊
button-newer = 較新
button-refresh = 重新整理
button-newest = 最新
edit-title = 編輯後重畫
edit-prompt = 提示詞
edit-negative = 反向提示詞
edit-steps = 步數
edit-cfg = cfg（貼近提示詞的程度）
edit-seed = 種子
edit-seed-hint = 填 -1 為隨機
show-again = 再次顯示…
favourite-added = ⭐ 已加入你的最愛。**/{ history-name } { name-favourites }** 可以看到全部，檔案會一直保留。
favourite-removed = 已從你的最愛移除。
favourite-which = 喜歡哪幾張？再按一次取消。
sent-to-you = 已傳到你的私人訊息：{ $link }
more-title = ### { $id }
more-command = 再畫一次的指令：
more-parent = **來自**
more-children = { $count ->
    [one] **由它而來**
   *[other] **由它而來**（{ $count }）
}
more-too-large = 有 { $count } 張原圖太大，無法傳到這裡；原圖仍會保留。










## 伺服器設定

settings-title = ### { $server } 的設定
settings-intro = 在這裡選擇後立即生效。額度用 **/{ limits-name }** 設定。
settings-press = **誰可以重畫和編輯別人的圖。**刪除一律只限作者和管理員。
press-owner = 只有作者本人
press-moderators = 作者和管理員
press-anyone = 這個伺服器的所有人
settings-channels = 可以繪圖的**頻道**
settings-channels-all = 所有頻道
settings-roles = 可以繪圖的**身分組**
settings-roles-all = 所有人
settings-language = Easel 不會說成員的語言時，使用的**語言**
language-of-server = 跟隨這個伺服器在 Discord 的語言
settings-preview = { $on ->
    [yes] 繪製時預覽：開
   *[no] 繪製時預覽：關
}
button-defaults = 預設值
button-styles = 風格
button-back = 返回
button-numbers = 步數、cfg、尺寸…
button-clear = 全部清除
defaults-title-server = ### 這個伺服器的預設值
defaults-intro-server = 請求、風格和成員本人都沒有指定時生效。不適合某個模型的項目會自動略過。
defaults-title-me = ### 你的預設值
defaults-intro-me = 在哪裡繪圖都生效，優先於伺服器的設定。不適合某個模型的項目會自動略過。
defaults-model = **模型**
defaults-style = **風格**
defaults-shape = **畫面比例**
defaults-count = **每次張數**
count = { $count } 張
defaults-none-typed = 步數、cfg、尺寸、取樣器和反向提示詞：由模型決定。
not-set = 未設定
fact = { $name }：{ $value }
choice-model-decides = 由模型決定
numbers-title = 預設值
numbers-size = 尺寸（像素）
numbers-size-hint = 寬×高，例如 768×512；留空則依畫面比例
numbers-sampler = 取樣器

## 風格

styles-title = ### 這個伺服器的風格
styles-intro = 風格會在提示詞裡加字，也可以附帶設定。成員在 **/{ imagine-name }** 裡選擇。
styles-line = { $kind ->
    [own] • **{ $name }** · 這個伺服器自訂
   *[built-in] • **{ $name }** · 內建
}
styles-hidden = { $name }（已隱藏）
styles-open = 開啟一個風格…
style-none = 不用風格
style-words = 提示詞：{ $words }
style-without = 反向提示詞：{ $words }
style-is-hidden = **{ $name }** 在這個伺服器已隱藏。
button-new-style = 新增風格…
button-restore = 恢復原樣
style-form-title = 風格
style-form-called = 名稱
style-form-words = 提示詞
style-form-words-hint = { $place } 的位置放成員自己寫的提示詞；沒有它時，成員的提示詞放在最前面

## 自己的資料

me-data-title = **你的資料**
me-kept = Easel 保存了你的 { $generations } 個請求和 { $pictures } 張圖片（{ $size }）。
button-export = 匯出
button-erase = 全部刪除…
button-erase-yes = 全部刪除
me-erase-ask = ### 要刪除 Easel 保存的所有關於你的資料嗎？
    { $generations } 個請求和 { $pictures } 張圖片（{ $size }）、你的最愛和預設值都會永久刪除；顯示它們的訊息，只要 Easel 有權限，也會一併刪除。進行中的工作會取消。只有今天的每日額度計數會保留到明天。
me-erasing = 正在刪除…
me-erased = 已刪除：{ $generations } 個請求及其圖片，以及你的其他所有資料。相關訊息隨後刪除。
me-erased-left = 還有 { $generations } 個工作沒有結束，請稍後再刪除。
me-export = 你的 { $generations } 個請求和 { $pictures } 張圖片，以及你的設定。
me-export-part = 一個檔案裝不下全部：總共有 { $generations } 個請求和 { $pictures } 張圖片。更早的圖片在 **/{ history-name }** 裡。

## 紀錄

history-title = { $whose ->
    [own] ### 你的圖片
   *[other] ### { $person } 的圖片
}
history-empty = 這裡還什麼都沒有。用 **/{ imagine-name }** 畫點什麼吧。
history-no-match = 沒有符合的圖片。換個說法，或拿掉篩選條件。
history-no-more = 沒有更早的圖片了。
history-jump = 前往訊息
history-deleted = 檔案已刪除
days-ago = { $days ->
    [0] 今天
    [1] 昨天
   *[other] { $days } 天前
}




## 模型

models-title = ### 模型
models-line = **{ $key }** · { $state }{ $default ->
    [yes] {" "}· 這裡的預設模型
   *[no] {""}
}
models-grades = 速度 { $speed } · 品質 { $quality }{ $size ->
    [none] {""}
   *[other] {" "}· { $size }
}{ $best ->
    [none] {""}
   *[other] {" "}· { $best }
}
models-more = …另有 { $count } 個。用 **/{ model-name } { model-info-name }** 依名稱尋找。
model-defaults = 預設：{ $steps } 步，cfg { $cfg }，{ $width }×{ $height }，{ $sampler }
model-ranges = 可用：{ $steps } 步，cfg { $cfg }，尺寸 { $sizes }
model-no-negative = 它沒有引導：反向提示詞不起作用。
model-stepped = 逐步繪製，與其他人的圖一起：{ $samplers }
model-called = 由 diffusers 自己的排程器繪製：{ $samplers }
model-own-sampler = 它有自己的取樣器，選哪個都一樣。
model-ways-unknown = 有了模型檔案才知道哪些取樣器可以逐步繪製。
model-licence = 授權：{ $licence }{ $gated ->
    [yes] {""}；下載前須先在 Hugging Face 上接受
   *[other] {""}
}
model-family = { $family } 系列，來自 { $repository }
model-choice = { $key } — 速度 { $speed }/5，品質 { $quality }/5 — { $best }
state-missing = 尚未下載
state-on-disk = 已下載
state-loading = 載入中
state-loading-share = 載入中，{ $share }%
state-loaded = 已載入
state-broken = 已損壞：{ $detail }
model-used = **{ $key }** 現在是這個伺服器的預設模型。
model-loading = 正在載入 **{ $key }**：{ $text }
model-loaded = **{ $key }** 已載入。
model-unloaded = **{ $key }** 已卸載。

## 佇列與額度

queue-title = ### 佇列
queue-server = **這個伺服器**：{ $waiting } 個工作排隊中，{ $running } 個繪製中
queue-empty = 你沒有排隊中的工作。用 **/{ imagine-name }** 畫點什麼吧。
queue-line-running = 正在繪製
queue-more = …另有 { $count } 個
cancel-done = 已取消。
cancel-late = 已經畫完了。
limits-title = ### 額度
limits-none = 這裡沒有任何額度限制。
limits-line = { $who }：{ $kind ->
    [waiting] 同時排隊 { $maximum } 個工作
   *[images_a_day] 每天 { $maximum } 張圖片
}
limits-everyone = 這個伺服器所有人合計
limits-each = 這個伺服器的每個人
limits-saved = 已儲存：{ $line }
limits-cleared = 已移除。
limits-not-set = 沒有這項額度。

## 說明

help-text =
    ### Easel 把你描述的畫出來
    {"**"}/{ imagine-name }** 雪地裡的一隻紅狐狸 — 然後按 **{ button-reroll }** 換一張，**{ button-edit }** 改提示詞，**{ button-delete }** 刪掉它。
    {"**"}/{ history-name }** 找到你畫過的圖 · **/{ queue-name }** 看排隊情況 · **/{ cancel-name }** 停止工作 · **/{ model-name } { model-list-name }** 看有哪些模型。
    {"**"}{ button-more }** 告訴你一張圖的全部資訊，**/{ show-name }** 把它再找回來 · **/{ me-name }** 保存你自己的預設值 · 在訊息選單的 **APP → { menu-parameters-name }** 裡，可以看任何圖片是怎麼畫出來的。

    {"**"}寫提示詞的訣竅**
    • 先寫主體，再寫地點、光線和風格：*懸崖上的燈塔，黃昏的光，水彩畫*。
    • 不想要的寫進**反向提示詞**：*模糊，文字*。
    • **(詞:1.3)** 讓一個詞更重要，**[詞]** 則更次要；`\(` 只是括號。FLUX 一類的模型只看文字。
    • 固定**種子**，一次只改一處，就能一步步調整畫面。
    • 多數模型的 **cfg** 用 5 到 8；越高越死守字面。Turbo 模型用 0。
    • **步數**到 30 左右為止，越多越好。
    • 多數模型比較懂英文提示詞。
help-default = 這個伺服器用 **{ $model }** 繪圖：{ $best }。

## 錯誤：發生了什麼，該怎麼辦

error-invalid_request = **{ $field }**：{ $value } 不適用。可用：{ $allowed }。
field-prompt = 提示詞
field-negative_prompt = 反向提示詞
field-model = 模型
field-steps = 步數
field-cfg = cfg
field-width = 寬度
field-height = 高度
field-seed = 種子
field-count = 張數
field-sampler = 取樣器
field-size = 尺寸
field-aspect_ratio = 畫面比例
field-since = 起始日期
field-until = 截止日期
allowed-size = { $model } 可用 { $span }，且為 { $step } 的倍數
allowed-range = { $model } 可用 { $span }
allowed-span = { $span }
allowed-length = { $span } 個字元
allowed-tokens = 最多 { $high } 個 token（詞和詞的片段）；這裡有 { $found } 個
allowed-weaker = 這麼長的提示詞裡，減弱的部分最多 { $high } 處；這裡有 { $found } 處
allowed-seed = -1（隨機），或不超過 { $high } 的整數
allowed-names = { $names }
allowed-whole = 整數
allowed-number = 數字
allowed-example = 例如 { $example }
error-no-such = { $what ->
    [style] 沒有這個風格：
   *[model] 沒有這個模型：
}**{ $name }**。{ $close ->
    [none] {""}
   *[other] 你要找的是 { $close } 嗎？
}
error-no-style = 風格 { $name } 已經不在了。
error-style-taken = 已經有叫 { $name } 的風格，或這個名稱不能用。請換一個。
error-too-many-styles = 一個伺服器最多 { $most } 個風格。請先刪除一個。
error-model_unavailable = 模型 **{ $key }** 現在無法使用。請用**模型**選項換一個，或告訴營運這個機器人的人：{ $details }
error-out_of_memory = 記憶體不夠畫這張圖。請縮小尺寸、減少張數，或換一個較小的模型。
error-engine_lost = 繪圖程式中斷了。請一分鐘後再試。
error-generation_failed = 模型在繪製時出錯。請再試一次；還是不行就換一組設定。{ $id ->
    [none] {""}
   *[other] 記錄檔裡 **{ $id }** 處有詳情。
}
error-cancelled = 已取消。
error-queue_closed-stopping = Easel 正在重新啟動。請一分鐘後再試。
error-queue_closed-disk_full = 磁碟快滿了，暫時不接受新工作。需要營運這個機器人的人騰出空間。
error-queue_closed-not_written = 工作沒能寫入磁碟，所以沒有接受。請再試一次；還是不行就告訴營運這個機器人的人。
error-queue_closed-not_cancelled = 磁碟已滿，無法取消。請一分鐘後再試。
error-limit_reached = { $scope ->
    [person] 你已達到上限
    [guild] 這個伺服器已達到上限
   *[all] 所有人合計已達到上限
}：{ $kind ->
    [waiting] 同時 { $maximum } 個工作
   *[images_a_day] 每天 { $maximum } 張圖片
}。{ $retry ->
    [none] 等其中一個完成後再來。
   *[other] 請在 { $retry }後再來。
}
error-not-yours = 只有這張圖的作者或管理員（「管理訊息」權限）可以這樣做。
error-only-owner = 在這個伺服器，只有這張圖的作者可以這樣做。
error-not-here = 這個頻道不能繪圖。請到 { $channels }。
error-not-role = 這個伺服器只有這些身分組可以繪圖：{ $roles }。請聯絡伺服器的管理者。
error-not-moderator = 查看別人的圖片需要這裡的「管理訊息」權限。不填**成員**就能看自己的。
error-not-manager = 這需要「管理伺服器」權限。請聯絡伺服器的管理者。
error-only-in-server = 這只能在伺服器裡用：私人訊息沒有自己的設定。
error-one-of = **成員**、**身分組**和**合計**只能選一個；都不選則限制每個人。
error-gone = 已經找不到這張圖了。你的圖在 **/{ history-name }** 裡。
error-picture-gone = 這些圖片的檔案已刪除，沒有可以加入最愛的了。
error-dm-closed = Discord 不讓我傳私人訊息給你。請允許這個伺服器的成員傳訊息給你，或把 Easel 加到你自己的應用程式，然後再試。
error-no-files = 我在這個頻道不能附加檔案，所以沒有繪圖。請伺服器的管理者在這裡給我「附加檔案」權限，或換個頻道。
error-no-picture = 這則訊息裡沒有圖片。
error-no-parameters = 這張圖沒有寫明它是怎麼畫的。許多程式和網站會拿掉這些資訊；必須是原始檔案。
error-picture-elsewhere = 這張圖不在 Discord 的伺服器上，別處的我不讀取。請儲存後貼到這裡。
error-picture-unread = 沒能從 Discord 讀取這張圖。請稍後再試。
error-picture-too-large = 這個檔案太大，無法讀取。
error-outdated = 這個指令在你的 Discord 載入之後有了變動。請重新啟動 Discord（Ctrl+R）再試。
error-unexpected = 我們這邊出了問題，你的東西都沒有遺失。請再試一次；還是不行就把代碼 **{ $id }** 告訴營運這個機器人的人。

## 內建風格

style-photo = 照片
style-cinematic = 電影感
style-anime = 動漫
style-watercolor = 水彩
style-line-art = 線稿
style-pixel-art = 像素畫
style-3d = 3D 算圖

## 內建模型最適合什麼

best-tiny = 入門：內建，不用下載，畫單一物體的小圖
best-sdxl-turbo = 一秒出點子：只要一步，沒有反向提示詞
best-stable-diffusion-v1-5 = 記憶體較小的顯示卡，微調模型最多
best-stable-diffusion-2-1 = 768 像素的風景和建築
best-stable-diffusion-xl-base = 各種風格的精細圖片，需要時間和 8 GB 顯示記憶體
best-pixart-sigma = 較長的描述，需要 16 GB 顯示記憶體
best-stable-diffusion-3-5-medium = 多種風格和圖中短文字，需要 24 GB 顯示記憶體
best-flux-1-schnell = 忠於描述的場景，只要四步，需要 40 GB 顯示記憶體
best-z-image-turbo = 照片和中英文文字，只要八步，需要 24 GB 顯示記憶體
best-qwen-image = 海報和中英文長文字，需要 64 GB 顯示記憶體

## 時間與大小

megabytes = { $size } MB
gigabytes = { NUMBER($size, minimumFractionDigits: 1, maximumFractionDigits: 1) } GB
seconds-exact = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } 秒
seconds = { $seconds } 秒
minutes = { $minutes } 分鐘
hours = { $hours } 小時 { $minutes } 分鐘
