### 日本語。コマンド名とオプション名は32文字まで、空白なし。説明は100文字まで。

language = 日本語

## コマンドとオプション

name-prompt = プロンプト
name-negative-prompt = ネガティブプロンプト
name-model = モデル
name-steps = ステップ数
name-cfg = cfg
name-width = 幅
name-height = 高さ
name-seed = シード
name-count = 枚数
name-sampler = サンプラー
name-search = 検索
name-person = メンバー
name-job = ジョブ
name-kind = 種類
name-maximum = 上限
name-role = ロール
name-together = 合計
name-style = スタイル
name-aspect-ratio = 縦横比
name-spoiler = スポイラー
name-private = 非公開
name-favourites = お気に入り
name-since = 開始日
name-until = 終了日
name-id = 番号
imagine-name = 描く
imagine-description = 言葉から画像を描きます
option-prompt = 描きたいもの：主題、場所、光、画風。(言葉:1.3) で強く、[言葉] で弱く
option-negative-prompt = 画像に入れたくないもの
option-model = 使うモデル（選ばなければ自分の既定、またはこのサーバーの既定）
option-style = 言葉と設定をまとめたスタイル
option-aspect-ratio = 画像の形。正確なサイズは幅と高さで指定します
option-steps = ステップ数：多いほど遅く、細かくなります
option-cfg = プロンプトにどれだけ忠実に描くか
option-width = 幅（ピクセル）
option-height = 高さ（ピクセル）
option-seed = シードと設定が同じなら、同じ画像になります（-1 でランダム）
option-count = 何枚描くか（1〜4）
option-sampler = ノイズを画像にする方法
option-spoiler = クリックされるまで画像を隠します
option-private = 自分にだけ見えます
choice-ratio-1-1 = 1:1（正方形）
choice-ratio-5-4 = 5:4（横長）
choice-ratio-4-5 = 4:5（縦長）
choice-ratio-4-3 = 4:3（横長）
choice-ratio-3-4 = 3:4（縦長）
choice-ratio-3-2 = 3:2（横長）
choice-ratio-2-3 = 2:3（縦長）
choice-ratio-16-9 = 16:9（ワイド）
choice-ratio-9-16 = 9:16（縦ワイド）
history-name = 履歴
history-description = これまでに描いた画像（新しい順）
option-history-model = このモデルの画像だけ
option-history-search = この言葉がプロンプトに入っている画像だけ
option-history-person = このサーバーのほかのメンバーの画像（モデレーターのみ）
option-history-favourites = 自分のお気に入りだけ（誰が頼んだものでも）
option-history-since = この日から（例：2026-11-23）
option-history-until = この日まで（例：2026-11-30）
show-name = 表示
show-description = 以前の結果を、ボタンごともう一度表示します
option-show-id = 番号、または自分の書いた言葉（番号は「詳細」や履歴にあります）
menu-parameters-name = パラメーターを見る
menu-run-again-name = もう一度描く
model-name = モデル
model-description = 画像を描くモデル
model-list-name = 一覧
model-info-name = 詳細
model-use-name = 使用
model-load-name = 読み込み
model-unload-name = 解放
model-list-description = すべてのモデルの速度、品質、状態
model-info-description = モデルの詳しい情報
model-use-description = このサーバーの既定のモデルにします（サーバー管理の権限が必要）
model-load-description = 待たずに済むよう、今モデルを読み込みます（サーバー管理の権限が必要）
model-unload-description = モデルが使っているメモリーを解放します（サーバー管理の権限が必要）
option-model-key = モデル
queue-name = 待ち行列
queue-description = 待っているジョブと描いているジョブ：自分とこのサーバーの分
cancel-name = 中止
cancel-description = 自分のジョブを中止します
option-cancel-job = どのジョブか（ID）
limits-name = 制限
limits-description = メンバーがどれだけ頼めるか（サーバー管理の権限が必要）
limits-show-name = 表示
limits-set-name = 設定
limits-clear-name = 解除
limits-show-description = ここで有効な制限
limits-set-description = メンバー、ロール、またはサーバー全体に制限を設けます
limits-clear-description = 制限を外します
option-limits-kind = 同時に待てるジョブの数、または1日の枚数
option-limits-maximum = 許す最大の数。0 なら一切不可
option-limits-member = このメンバーだけ
option-limits-together = このサーバーの全員の合計
option-limits-role = このロールを持つ人だけ
choice-waiting = 同時に待てるジョブの数
choice-images-a-day = 1日の枚数
settings-name = 設定
settings-description = このサーバーの設定：モデル、チャンネル、ロール、スタイル、言語（サーバー管理の権限が必要）
me-name = マイページ
me-description = 自分の既定値と、自分のデータの書き出し・削除
help-name = ヘルプ
help-description = Easel でできることと、プロンプトのコツ

## 進行中のジョブ

queue-next = 次に始まります
queue-ahead = 順番待ち：前に { $ahead } 件
queue-expected = { $where } · あと約 { $time }で開始
painting-starts = 描く準備をしています
painting-loading = モデルを読み込み中：{ $text }
stage-downloading = ダウンロード中、{ NUMBER($total, minimumFractionDigits: 2) } GB のうち { NUMBER($done, minimumFractionDigits: 2) } GB
stage-looking-up = ファイルを探しています
stage-waiting = ほかのプログラムがダウンロード中です
stage-moving = デバイスへ移しています
stage-compiling = コンパイルしています
stage-loading = { $part }
painting-step = 描いています：{ $of } ステップ中 { $step }
resumed = Easel が再起動しましたが、ジョブは残っています。
finished-away = Easel の再起動中に完成しました。
facts = { $model } · { $sampler } · { $steps } ステップ · cfg { $cfg } · { $size } · シード { $seed } · { $time }
negative = 除外：{ $negative }
reroll-of = { $parent } から作成
picture-gone = この画像のファイルは削除されました。
shrunk = ここに貼れる大きさを超えたため、WebP で表示しています{ $scaled ->
    [yes] （縮小済み）
   *[no] {""}
}。元の PNG は保存されています。
not-shown = { $count } 枚は大きすぎてここに貼れません。画像は保存されています。
delivered-elsewhere = { $person } へ：最初のメッセージは編集できなくなっていました{ $where ->
    [none] {""}
   *[other] （{ $where }）
}。

## 画像にならなかったとき

cancelled = 中止しました。
failed = 描けませんでした。{ $reason }
dead = { $attempts } 回試しましたが、毎回途中で止まりました。設定を変えて試してください。このジョブは自動ではやり直しません。
unknown-failure = もう一度試してください。
notice-model = **モデル { $model } が使えません。**{ $reason }{ $detail ->
    [none] {""}
   *[other] {" "}{ $detail }
} ジョブ { $job } はそのため失敗しました。ほかのモデルは動いています。**/{ model-name } { model-load-name }** でやり直せます。{ $untold ->
    [0] {""}
   *[other] {" "}前回の通知のあと、ほかに { $untold } 件のジョブで同じことが起きました。
}
notice-dead = **ジョブ { $job } を断念しました**：モデル { $model } で、描画プログラムが毎回止まりました。{ $reason } 待ち行列は動いています。{ $untold ->
    [0] {""}
   *[other] {" "}前回の通知のあと、ほかに { $untold } 件のジョブで同じことが起きました。
}



## ボタンとフォーム

button-reroll = 描き直す
button-edit = 編集
button-more = 詳細
button-favourite = お気に入り
button-send = 自分に送る
button-favourites = ⭐ お気に入り
button-delete = 削除
button-cancel = 中止
button-older = 古い方へ
button-newer = 新しい方へ
button-refresh = 更新
button-newest = 最新
edit-title = 編集して描き直す
edit-prompt = プロンプト
edit-negative = ネガティブプロンプト
edit-steps = ステップ数
edit-cfg = cfg（プロンプトへの忠実さ）
edit-seed = シード
edit-seed-hint = -1 でランダム
show-again = もう一度表示…
favourite-added = ⭐ お気に入りに入れました。**/{ history-name } { name-favourites }** ですべて見られ、ファイルは消されません。
favourite-removed = お気に入りから外しました。
favourite-which = どれが気に入りましたか？もう一度押すと外れます。
sent-to-you = ダイレクトメッセージに送りました：{ $link }
more-title = ### { $id }
more-command = もう一度描くには：
more-parent = **元の画像**
more-children = { $count ->
    [one] **ここから作られた画像**
   *[other] **ここから作られた画像**（{ $count }）
}
more-too-large = 元の画像 { $count } 枚は大きすぎてここに送れません。画像は保存されています。










## サーバーの設定

settings-title = ### { $server } の設定
settings-intro = ここで選ぶとすぐに反映されます。制限は **/{ limits-name }** で設定します。
settings-press = **ほかの人の画像を描き直したり編集したりできる人。**削除は、頼んだ本人とモデレーターだけです。
press-owner = 頼んだ本人だけ
press-moderators = 頼んだ本人とモデレーター
press-anyone = このサーバーの全員
settings-channels = 画像を描ける**チャンネル**
settings-channels-all = すべてのチャンネル
settings-roles = 画像を描ける**ロール**
settings-roles-all = 全員
settings-language = Easel がその人の言語を話せないときの**言語**
language-of-server = Discord でのこのサーバーの言語に合わせる
settings-preview = { $on ->
    [yes] 描画中のプレビュー：オン
   *[no] 描画中のプレビュー：オフ
}
button-defaults = 既定値
button-styles = スタイル
button-back = 戻る
button-numbers = ステップ数・cfg・サイズ…
button-clear = すべて消す
defaults-title-server = ### このサーバーの既定値
defaults-intro-server = リクエストにもスタイルにも本人にも指定がないときに使われます。モデルに合わないものは飛ばします。
defaults-title-me = ### 自分の既定値
defaults-intro-me = どこで描いても有効で、サーバーの既定値より優先されます。モデルに合わないものは飛ばします。
defaults-model = **モデル**
defaults-style = **スタイル**
defaults-shape = **縦横比**
defaults-count = **一度に描く枚数**
count = { $count } 枚
defaults-none-typed = ステップ数、cfg、サイズ、サンプラー、ネガティブプロンプト：モデルに任せます。
not-set = 未設定
fact = { $name }：{ $value }
choice-model-decides = モデルに任せる
numbers-title = 既定値
numbers-size = サイズ（ピクセル）
numbers-size-hint = 幅×高さ（例：768×512）。空欄なら縦横比に従います
numbers-sampler = サンプラー

## スタイル

styles-title = ### このサーバーのスタイル
styles-intro = スタイルはプロンプトに言葉を足し、設定も添えられます。**/{ imagine-name }** で選びます。
styles-line = { $kind ->
    [own] • **{ $name }** · このサーバー独自
   *[built-in] • **{ $name }** · 組み込み
}
styles-hidden = { $name }（非表示）
styles-open = スタイルを開く…
style-none = スタイルなし
style-words = プロンプト：{ $words }
style-without = ネガティブプロンプト：{ $words }
style-is-hidden = **{ $name }** はこのサーバーでは非表示です。
button-new-style = 新しいスタイル…
button-restore = 元に戻す
style-form-title = スタイル
style-form-called = 名前
style-form-words = プロンプト
style-form-words-hint = { $place } の位置に本人のプロンプトが入ります。なければ先頭に入ります

## 自分のデータ

me-data-title = **自分のデータ**
me-kept = Easel にはあなたのリクエスト { $generations } 件と画像 { $pictures } 枚（{ $size }）が保存されています。
button-export = 書き出す
button-erase = すべて削除…
button-erase-yes = すべて削除する
me-erase-ask = ### Easel にあるあなたのデータをすべて削除しますか？
    リクエスト { $generations } 件、画像 { $pictures } 枚（{ $size }）、お気に入り、既定値が完全に削除されます。それらを表示しているメッセージも、Easel の権限が及ぶ限り削除します。進行中のジョブは中止します。1日の制限のための今日の回数だけは、明日まで残ります。
me-erasing = 削除しています…
me-erased = リクエスト { $generations } 件とその画像、そのほかのデータをすべて削除しました。メッセージも順に削除します。
me-erased-left = { $generations } 件のジョブがまだ終わっていません。少し待ってから削除してください。
me-export = あなたのリクエスト { $generations } 件、画像 { $pictures } 枚、そして設定です。
me-export-part = 1つのファイルには収まりませんでした。全部でリクエスト { $generations } 件、画像 { $pictures } 枚あります。古い画像は **/{ history-name }** にあります。

## 履歴

history-title = { $whose ->
    [own] ### あなたの画像
   *[other] ### { $person } の画像
}
history-empty = まだ何もありません。**/{ imagine-name }** で何か描いてみましょう。
history-no-match = 当てはまる画像がありません。言葉を変えるか、条件を外してください。
history-no-more = これより古い画像はありません。
history-jump = メッセージへ
history-deleted = ファイルは削除されました
days-ago = { $days ->
    [0] 今日
    [1] 昨日
   *[other] { $days } 日前
}




## モデル

models-title = ### モデル
models-line = **{ $key }** · { $state }{ $default ->
    [yes] {" "}· ここの既定
   *[no] {""}
}
models-grades = 速度 { $speed } · 品質 { $quality }{ $size ->
    [none] {""}
   *[other] {" "}· { $size }
}{ $best ->
    [none] {""}
   *[other] {" "}· { $best }
}
models-more = …ほか { $count } 個。**/{ model-name } { model-info-name }** で名前から探せます。
model-defaults = 既定：{ $steps } ステップ、cfg { $cfg }、{ $width }×{ $height }、{ $sampler }
model-ranges = 使える値：{ $steps } ステップ、cfg { $cfg }、サイズ { $sizes }
model-no-negative = ガイダンスがないため、ネガティブプロンプトは効きません。
model-stepped = ほかの人の絵と一緒に1ステップずつ：{ $samplers }
model-called = diffusers 自身のスケジューラーで：{ $samplers }
model-own-sampler = 専用のサンプラーを使うため、どれを選んでも変わりません。
model-ways-unknown = どのサンプラーが1ステップずつ進むかは、モデルのファイルがあれば分かります。
model-licence = ライセンス：{ $licence }{ $gated ->
    [yes] {""}。ダウンロードの前に Hugging Face で同意が必要です
   *[other] {""}
}
model-family = { $family } 系、提供元 { $repository }
model-choice = { $key } — 速度 { $speed }/5、品質 { $quality }/5 — { $best }
state-missing = 未ダウンロード
state-on-disk = ダウンロード済み
state-loading = 読み込み中
state-loading-share = 読み込み中 { $share }%
state-loaded = 読み込み済み
state-broken = 破損：{ $detail }
model-used = **{ $key }** をこのサーバーの既定のモデルにしました。
model-loading = **{ $key }** を読み込み中：{ $text }
model-loaded = **{ $key }** を読み込みました。
model-unloaded = **{ $key }** を解放しました。

## 待ち行列と制限

queue-title = ### 待ち行列
queue-server = **このサーバー**：{ $waiting } 件が待機中、{ $running } 件を描画中
queue-empty = 待っているジョブはありません。**/{ imagine-name }** で何か描いてみましょう。
queue-line-running = 描いています
queue-more = …ほか { $count } 件
cancel-done = 中止しました。
cancel-late = もう終わっています。
limits-title = ### 制限
limits-none = ここに制限はありません。
limits-line = { $who }：{ $kind ->
    [waiting] 同時に { $maximum } 件まで待機
   *[images_a_day] 1日 { $maximum } 枚まで
}
limits-everyone = このサーバーの全員の合計
limits-each = このサーバーの一人ひとり
limits-saved = 保存しました：{ $line }
limits-cleared = 外しました。
limits-not-set = そのような制限はありません。

## ヘルプ

help-text =
    ### Easel は言葉のとおりに描きます
    {"**"}/{ imagine-name }** 雪の中の赤い狐 — そのあと **{ button-reroll }** で別の一枚、**{ button-edit }** で言葉を変更、**{ button-delete }** で削除。
    {"**"}/{ history-name }** で過去の画像 · **/{ queue-name }** で順番待ち · **/{ cancel-name }** でジョブの中止 · **/{ model-name } { model-list-name }** でモデルの一覧。
    {"**"}{ button-more }** で画像のすべてがわかり、**/{ show-name }** で呼び戻せます · **/{ me-name }** で自分の既定値 · メッセージのメニューの **アプリ → { menu-parameters-name }** で、どんな画像でも作り方が読めます。

    {"**"}プロンプトのコツ**
    • まず主題、次に場所、光、画風：*崖の上の灯台、夕暮れの光、水彩画*。
    • 入れたくないものは**ネガティブプロンプト**へ：*ぼやけ、文字*。
    • **(言葉:1.3)** でその言葉を強く、**[言葉]** で弱く。`\(` はただの括弧です。FLUX などのモデルは言葉だけを読みます。
    • **シード**を固定して一度に一つずつ変えると、狙った画像に近づけます。
    • **cfg** は多くのモデルで 5〜8。高いほど言葉どおりに硬くなります。Turbo 系は 0。
    • **ステップ数**は 30 くらいまでは多いほどきれいです。
    • 多くのモデルは英語のプロンプトのほうが得意です。
help-default = このサーバーは **{ $model }** で描きます：{ $best }。

## エラー：何が起きたか、どうすればよいか

error-invalid_request = **{ $field }**：{ $value } は使えません。使える値：{ $allowed }。
field-prompt = プロンプト
field-negative_prompt = ネガティブプロンプト
field-model = モデル
field-steps = ステップ数
field-cfg = cfg
field-width = 幅
field-height = 高さ
field-seed = シード
field-count = 枚数
field-sampler = サンプラー
field-size = サイズ
field-aspect_ratio = 縦横比
field-since = 開始日
field-until = 終了日
allowed-size = { $model } では { $span } で { $step } の倍数
allowed-range = { $model } では { $span }
allowed-span = { $span }
allowed-length = { $span } 文字
allowed-tokens = { $high } トークン（単語や単語の一部）まで。これは { $found } トークンです
allowed-weaker = この長さのプロンプトでは、弱める部分は { $high } か所まで。これは { $found } か所です
allowed-seed = -1（ランダム）、または { $high } までの整数
allowed-names = { $names }
allowed-whole = 整数
allowed-number = 数値
allowed-example = たとえば { $example }
error-no-such = { $what ->
    [style] そのようなスタイルはありません：
   *[model] そのようなモデルはありません：
}**{ $name }**。{ $close ->
    [none] {""}
   *[other] もしかして { $close } ですか？
}
error-no-style = スタイル { $name } はもうありません。
error-style-taken = { $name } という名前のスタイルがすでにあるか、その名前は使えません。別の名前にしてください。
error-too-many-styles = スタイルは1サーバーに { $most } 個までです。先にどれかを削除してください。
error-model_unavailable = モデル **{ $key }** は今使えません。**モデル**で別のものを選ぶか、このボットの運営者に伝えてください：{ $details }
error-out_of_memory = この画像を描くにはメモリーが足りませんでした。サイズを小さくするか、枚数を減らすか、小さいモデルを使ってください。
error-engine_lost = 描画プログラムが止まりました。1分後にもう一度試してください。
error-generation_failed = 描いている途中でモデルがエラーを起こしました。もう一度試し、だめなら設定を変えてください。{ $id ->
    [none] {""}
   *[other] 詳細はログの **{ $id }** にあります。
}
error-cancelled = 中止しました。
error-queue_closed-stopping = Easel は再起動中です。1分後にもう一度試してください。
error-queue_closed-disk_full = ディスクがほぼいっぱいなので、新しいジョブは受け付けていません。このボットの運営者が空きを作る必要があります。
error-queue_closed-not_written = ジョブを書き込めなかったため、受け付けませんでした。もう一度試し、だめならこのボットの運営者に伝えてください。
error-queue_closed-not_cancelled = ディスクがいっぱいで中止できませんでした。1分後にもう一度試してください。
error-limit_reached = { $scope ->
    [person] あなたの上限に達しました
    [guild] このサーバーの上限に達しました
   *[all] 全員の合計の上限に達しました
}：{ $kind ->
    [waiting] 同時に { $maximum } 件のジョブ
   *[images_a_day] 1日 { $maximum } 枚
}。{ $retry ->
    [none] どれかが終わってからまた来てください。
   *[other] { $retry }後にまた来てください。
}
error-not-yours = これができるのは、この画像を頼んだ本人とモデレーター（メッセージの管理の権限）だけです。
error-only-owner = このサーバーでは、この画像を頼んだ本人だけができます。
error-not-here = このチャンネルでは描けません。{ $channels } を使ってください。
error-not-role = このサーバーで描けるのは { $roles } だけです。サーバーの管理者に相談してください。
error-not-moderator = ほかの人の画像を見るには、ここでのメッセージの管理の権限が必要です。**メンバー**を空欄にすると自分の画像を見られます。
error-not-manager = サーバー管理の権限が必要です。サーバーの管理者に相談してください。
error-only-in-server = サーバーの中でだけ使えます。ダイレクトメッセージには設定がありません。
error-one-of = **メンバー**、**ロール**、**合計**のうち一つだけを選ぶか、どれも選ばずに一人ひとりを制限してください。
error-gone = その画像はもう見つかりません。自分の画像は **/{ history-name }** で探せます。
error-picture-gone = この画像のファイルは削除されたため、お気に入りにできません。
error-dm-closed = Discord の設定により、あなたにメッセージを送れません。このサーバーのメンバーからのダイレクトメッセージを許可するか、Easel を自分のアプリに追加して、もう一度試してください。
error-no-files = このチャンネルではファイルを添付できないため、描きませんでした。サーバーの管理者に「ファイルを添付」の権限を頼むか、別のチャンネルを使ってください。
error-no-picture = このメッセージには画像がありません。
error-no-parameters = この画像には作り方が書かれていません。多くのソフトやサイトはその情報を消すので、元のファイルが必要です。
error-picture-elsewhere = この画像は Discord のサーバーになく、ほかの場所からは読み込みません。保存してここに貼ってください。
error-picture-unread = Discord から画像を読み込めませんでした。少し待って、もう一度試してください。
error-picture-too-large = このファイルは大きすぎて読み込めません。
error-outdated = Discord が読み込んだあとで、このコマンドが変わりました。Discord を再起動して（Ctrl+R）もう一度試してください。
error-unexpected = こちら側で問題が起きましたが、あなたのデータは失われていません。もう一度試し、だめならこのボットの運営者にコード **{ $id }** を伝えてください。

## 組み込みのスタイル

style-photo = 写真
style-cinematic = 映画風
style-anime = アニメ
style-watercolor = 水彩画
style-line-art = 線画
style-pixel-art = ドット絵
style-3d = 3Dレンダリング

## 組み込みのモデルが得意なこと

best-tiny = お試しに：同梱でダウンロード不要、ひとつの物の小さな絵
best-sdxl-turbo = 1秒でアイデアを：1ステップ、ネガティブプロンプトなし
best-stable-diffusion-v1-5 = メモリーの少ない GPU に。派生モデルが最も豊富
best-stable-diffusion-2-1 = 768 ピクセルの風景や建築
best-stable-diffusion-xl-base = どんな画風でも精細な画像。時間と 8 GB の GPU メモリーがあるなら
best-pixart-sigma = 長い説明文に。GPU メモリー 16 GB
best-stable-diffusion-3-5-medium = 多彩な画風と絵の中の短い文字に。GPU メモリー 24 GB
best-flux-1-schnell = 説明どおりの場面を4ステップで。GPU メモリー 40 GB
best-z-image-turbo = 写真と、英語・中国語の文字を8ステップで。GPU メモリー 24 GB
best-qwen-image = ポスターと、英語・中国語の長い文字に。GPU メモリー 64 GB

## 時間と大きさ

megabytes = { $size } MB
gigabytes = { NUMBER($size, minimumFractionDigits: 1, maximumFractionDigits: 1) } GB
seconds-exact = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } 秒
seconds = { $seconds } 秒
minutes = { $minutes } 分
hours = { $hours } 時間 { $minutes } 分
