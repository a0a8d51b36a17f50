### What people read, in English. Values in braces are put in by the bot; people's own words arrive escaped.
### Names of commands and options: at most 32 characters, lower case, no spaces. Descriptions: at most 100.

language = English

## Commands and their options

name-prompt = prompt
name-negative-prompt = negative_prompt
name-model = model
name-steps = steps
name-cfg = cfg
name-width = width
name-height = height
name-seed = seed
name-count = count
name-sampler = sampler
name-search = search
name-person = person
name-job = job
name-kind = kind
name-maximum = maximum
name-role = role
name-together = together
name-style = style
name-aspect-ratio = aspect_ratio
name-spoiler = spoiler
name-private = private
name-favourites = favourites
name-since = since
name-until = until
name-id = id

imagine-name = imagine
imagine-description = Paint pictures from words
option-prompt = What to paint: subject, setting, light, style. (word:1.3) counts more, [word] less
option-negative-prompt = What to keep out of the picture
option-model = Which model paints (otherwise your default, or this server's)
option-style = A style that adds words and settings of its own
option-aspect-ratio = The picture's shape; give width and height for an exact size
option-steps = How many steps: more is slower and finer
option-cfg = How closely to follow the prompt
option-width = Width in pixels
option-height = Height in pixels
option-seed = The same seed and settings make the same picture (-1: random)
option-count = How many pictures, 1 to 4
option-sampler = How noise becomes a picture
option-spoiler = Hide the pictures until somebody clicks on them
option-private = Only you will see it
choice-ratio-1-1 = 1:1 (square)
choice-ratio-5-4 = 5:4 (landscape)
choice-ratio-4-5 = 4:5 (portrait)
choice-ratio-4-3 = 4:3 (landscape)
choice-ratio-3-4 = 3:4 (portrait)
choice-ratio-3-2 = 3:2 (landscape)
choice-ratio-2-3 = 2:3 (portrait)
choice-ratio-16-9 = 16:9 (wide)
choice-ratio-9-16 = 9:16 (tall)
history-name = history
history-description = Your pictures, newest first
option-history-model = Only pictures of this model
option-history-search = Only prompts that hold these words
option-history-person = Somebody else's pictures on this server (moderators)
option-history-favourites = Only your favourites, whoever asked for them
option-history-since = From this day on, such as 2026-11-23
option-history-until = Up to this day, such as 2026-11-30
show-name = show
show-description = Bring an old result back, with its buttons
option-show-id = Its id, or words of yours: More and the history name it
# Names in the menu of a message, under Apps: at most 32 characters.
menu-parameters-name = Parameters
menu-run-again-name = Run again
model-name = model
model-description = The models that paint
model-list-name = list
model-info-name = info
model-use-name = use
model-load-name = load
model-unload-name = unload
model-list-description = All models, with their speed, quality and state
model-info-description = Everything about one model
model-use-description = Make a model this server's default (Manage Server)
model-load-description = Load a model now, so that nobody waits for it (Manage Server)
model-unload-description = Free the memory that a model takes (Manage Server)
option-model-key = The model
queue-name = queue
queue-description = What is waiting and painting: yours and the server's
cancel-name = cancel
cancel-description = Cancel a job of yours
option-cancel-job = Which one (its id)
limits-name = limits
limits-description = How much people may ask for (Manage Server)
limits-show-name = show
limits-set-name = set
limits-clear-name = clear
limits-show-description = The limits that hold here
limits-set-description = Set a limit for a person, a role or the whole server
limits-clear-description = Remove a limit
option-limits-kind = Jobs waiting at a time, or pictures a day
option-limits-maximum = The largest number allowed; 0 allows none
option-limits-member = Only for this person
option-limits-together = For everyone on this server together
option-limits-role = Only for people with this role
choice-waiting = jobs waiting at a time
choice-images-a-day = pictures a day
settings-name = settings
settings-description = What holds on this server: models, channels, roles, styles, language (Manage Server)
me-name = me
me-description = Your own defaults, and your data: take it along, or delete it
help-name = help
help-description = What Easel can do, with tips for prompts

## A job on its way

queue-next = Next in the queue
queue-ahead = { $ahead ->
    [one] In the queue, one job ahead
   *[other] In the queue, { $ahead } jobs ahead
}
queue-expected = { $where } · starts in about { $time }
painting-starts = Getting ready to paint
painting-loading = Loading the model: { $text }
# How far a model is on its way; follows painting-loading.
stage-downloading = downloading, { NUMBER($done, minimumFractionDigits: 2) } of { NUMBER($total, minimumFractionDigits: 2) } GB
stage-looking-up = looking for its files
stage-waiting = another program is downloading it
stage-moving = moving it to the device
stage-compiling = compiling it
stage-loading = { $part }
painting-step = Painting, step { $step } of { $of }
resumed = Easel was restarted; your job is still here.
finished-away = Finished while Easel was being restarted.
facts = { $model } · { $sampler } · { $steps ->
    [one] one step
   *[other] { $steps } steps
} · cfg { $cfg } · { $size } · seed { $seed } · { $time }
negative = without: { $negative }
reroll-of = Made from { $parent }
picture-gone = The files of these pictures were deleted.
shrunk = Too large for this place: shown as WebP{ $scaled ->
    [yes] {""}, smaller
   *[no] {""}
}. The original PNG is kept.
not-shown = { $count ->
    [one] One picture is too large to be posted here; it is kept.
   *[other] { $count } pictures are too large to be posted here; they are kept.
}
delivered-elsewhere = For { $person }: the first message could not be edited any more{ $where ->
    [none] {""}
   *[other] {" "}({ $where })
}.

## Ends without a picture

cancelled = Cancelled.
failed = This could not be painted. { $reason }
dead = This was tried { $attempts } times and stopped each time. Try it with other settings; it will not be tried again.
unknown-failure = Please try again.

## Notices for whoever runs the bot

# $detail may name files of the server. $untold: how many more jobs met the same since the last notice.
notice-model = **The model { $model } cannot be used.** { $reason }{ $detail ->
    [none] {""}
   *[other] {" "}{ $detail }
} Job { $job } failed of it; the other models go on. **/model load** tries it again.{ $untold ->
    [0] {""}
    [one] {" "}One more job met this since the last notice.
   *[other] {" "}{ $untold } more jobs met this since the last notice.
}
notice-dead = **Job { $job } was given up**: the painter stopped at each try, with the model { $model }. { $reason } The queue goes on.{ $untold ->
    [0] {""}
    [one] {" "}One more job met this since the last notice.
   *[other] {" "}{ $untold } more jobs met this since the last notice.
}

## Buttons and modal

button-reroll = Reroll
button-edit = Edit
button-more = More
button-favourite = Favourite
button-send = Send to me
button-favourites = ⭐ Favourites
button-delete = Delete
button-cancel = Cancel
button-older = Older
button-newer = Newer
button-refresh = Refresh
button-newest = Newest
edit-title = Edit and paint again
edit-prompt = Prompt
edit-negative = Negative prompt
edit-steps = Steps
edit-cfg = cfg (how closely to follow)
edit-seed = Seed
edit-seed-hint = -1 for a random one
show-again = Show again…
favourite-added = ⭐ This is a favourite of yours now. **/{ history-name } { name-favourites }** shows them all, and their files are kept.
favourite-removed = It is no favourite of yours any more.
favourite-which = Which ones do you like? Press again to take one back.
sent-to-you = It is in your direct messages: { $link }

## More: everything about one picture

more-title = ### { $id }
more-command = To make it again:
more-parent = **Made from**
more-children = { $count ->
    [one] **Made from it**
   *[other] **Made from it** ({ $count })
}
more-too-large = { $count ->
    [one] One original is too large to be sent here; it is kept.
   *[other] { $count } originals are too large to be sent here; they are kept.
}

## Settings of a server

settings-title = ### Settings of { $server }
settings-intro = What you choose here holds from now on. Limits are set with **/{ limits-name }**.
settings-press = **Who may reroll and edit a picture.** Deleting stays with its owner and the moderators.
press-owner = Only who asked for it
press-moderators = Who asked for it, and moderators
press-anyone = Everybody on this server
settings-channels = **Channels** where pictures may be painted
settings-channels-all = All channels
settings-roles = **Roles** that may paint
settings-roles-all = Everybody
settings-language = **Language** for people whose own Easel does not speak
language-of-server = As this server's language in Discord
settings-preview = { $on ->
    [yes] Previews while painting: on
   *[no] Previews while painting: off
}
button-defaults = Defaults
button-styles = Styles
button-back = Back
button-numbers = Steps, cfg, size…
button-clear = Clear all
defaults-title-server = ### This server's defaults
defaults-intro-server = They hold where neither the request, its style nor the person says otherwise. What does not fit a model is passed over.
defaults-title-me = ### Your defaults
defaults-intro-me = They hold wherever you paint, before those of a server. What does not fit a model is passed over.
defaults-model = **Model**
defaults-style = **Style**
defaults-shape = **Shape**
defaults-count = **Pictures at a time**
count = { $count ->
    [one] one picture
   *[other] { $count } pictures
}
defaults-none-typed = Steps, cfg, size, sampler and negative prompt: whatever suits the model.
not-set = not set
fact = { $name }: { $value }
choice-model-decides = what suits the model
numbers-title = Defaults
numbers-size = Size in pixels
numbers-size-hint = Width × height, such as 768×512; leave it empty for the shape
numbers-sampler = Sampler

## Styles

styles-title = ### Styles of this server
styles-intro = A style adds words to a prompt and can bring settings along. People choose it in **/{ imagine-name }**.
styles-line = { $kind ->
    [own] • **{ $name }** · of this server
   *[built-in] • **{ $name }** · built in
}
styles-hidden = { $name } (hidden)
styles-open = Open a style…
style-none = No style
style-words = Words: { $words }
style-without = Negative prompt: { $words }
style-is-hidden = **{ $name }** is hidden on this server.
button-new-style = New style…
button-restore = Bring back the original
style-form-title = Style
style-form-called = Name
style-form-words = Words for the prompt
style-form-words-hint = { $place } is where the person's own words go; without it they come first

## One's own data

me-data-title = **Your data**
me-kept = { $generations ->
    [one] Easel keeps one request of yours
   *[other] Easel keeps { $generations } requests of yours
}, with { $pictures ->
    [one] one picture
   *[other] { $pictures } pictures
} ({ $size }).
button-export = Take it along
button-erase = Delete everything…
button-erase-yes = Delete everything
me-erase-ask = ### Delete everything that Easel keeps of you?
    { $generations ->
        [one] One request
       *[other] { $generations } requests
    } with { $pictures ->
        [one] one picture
       *[other] { $pictures } pictures
    } ({ $size }), your favourites and your defaults are deleted for good, and so are the messages that show them, where Easel may. Jobs on their way are cancelled. Only today's count for the daily limits stays until tomorrow.
me-erasing = Deleting…
me-erased = { $generations ->
    [one] Deleted: one request with its pictures, and everything else of yours.
   *[other] Deleted: { $generations } requests with their pictures, and everything else of yours.
} Messages that show them follow.
me-erased-left = { $generations ->
    [one] One job was still on its way. Delete it in a moment.
   *[other] { $generations } jobs were still on their way. Delete them in a moment.
}
me-export = { $generations ->
    [one] One request
   *[other] { $generations } requests
} and { $pictures ->
    [one] one picture
   *[other] { $pictures } pictures
} of yours, with your settings.
me-export-part = Not everything fits into one file here: there are { $generations } requests and { $pictures } pictures. Older pictures are in **/{ history-name }**.

## History

history-title = { $whose ->
    [own] ### Your pictures
   *[other] ### Pictures of { $person }
}
history-empty = Nothing here yet. Paint something with **/{ imagine-name }**.
history-no-match = No picture fits. Try other words, or leave the filters out.
history-no-more = There are no older pictures.
history-jump = to the message
history-deleted = the files were deleted
days-ago = { $days ->
    [0] today
    [1] yesterday
   *[other] { $days } days ago
}

## Models

models-title = ### Models
models-line = **{ $key }** · { $state }{ $default ->
    [yes] {" "}· default here
   *[no] {""}
}
models-grades = speed { $speed } · quality { $quality }{ $size ->
    [none] {""}
   *[other] {" "}· { $size }
}{ $best ->
    [none] {""}
   *[other] {" "}· { $best }
}
models-more = …and { $count } more. Search by name in **/{ model-name } { model-info-name }**.
model-defaults = Default: { $steps ->
    [one] one step
   *[other] { $steps } steps
}, cfg { $cfg }, { $width }×{ $height }, { $sampler }
model-ranges = Takes { $steps } steps, cfg { $cfg }, sizes { $sizes }
model-no-negative = It has no guidance: a negative prompt is not heard.
model-stepped = Step by step, beside other people's pictures: { $samplers }
model-called = Through diffusers' own scheduler: { $samplers }
model-own-sampler = It has a sampler of its own; which one you choose changes nothing.
model-ways-unknown = Which samplers go step by step is known where its files are.
model-licence = Licence: { $licence }{ $gated ->
    [yes] {" "}· to be accepted at Hugging Face before the download
   *[other] {""}
}
model-family = Family { $family }, from { $repository }
model-choice = { $key } — speed { $speed }/5, quality { $quality }/5 — { $best }
state-missing = not downloaded yet
state-on-disk = on disk
state-loading = loading
state-loading-share = loading, { $share } %
state-loaded = loaded
state-broken = broken: { $detail }
model-used = **{ $key }** is this server's default model now.
model-loading = Loading **{ $key }**: { $text }
model-loaded = **{ $key }** is loaded.
model-unloaded = **{ $key }** is unloaded.

## Queue and limits

queue-title = ### Queue
queue-server = **This server**: { $waiting ->
    [one] one job waiting
   *[other] { $waiting } jobs waiting
}, { $running } painting
queue-empty = Nothing of yours is waiting. Paint something with **/{ imagine-name }**.
queue-line-running = painting now
queue-more = …and { $count } more
cancel-done = Cancelled.
cancel-late = It is done already.
limits-title = ### Limits
limits-none = Nobody is limited here.
limits-line = { $who }: { $kind ->
    [waiting] { $maximum ->
        [one] one job waiting at a time
       *[other] { $maximum } jobs waiting at a time
    }
   *[images_a_day] { $maximum ->
        [one] one picture a day
       *[other] { $maximum } pictures a day
    }
}
limits-everyone = Everyone on this server together
limits-each = Each person on this server
limits-saved = Saved: { $line }
limits-cleared = Removed.
limits-not-set = There is no such limit.

## Help

help-text =
    ### Easel paints what you describe
    {"**"}/{ imagine-name }** a red fox in the snow — then **{ button-reroll }** for another, **{ button-edit }** to change the words, **{ button-delete }** to remove it.
    {"**"}/{ history-name }** finds your pictures · **/{ queue-name }** shows what waits · **/{ cancel-name }** stops a job · **/{ model-name } { model-list-name }** shows the models.
    {"**"}{ button-more }** tells everything about a picture, and **/{ show-name }** brings it back · **/{ me-name }** keeps your own defaults · **Apps → { menu-parameters-name }** in a message's menu reads how any picture was made.

    {"**"}Tips for prompts**
    • Name the subject first, then where it is, the light and the style: *a lighthouse on a cliff, evening light, watercolour*.
    • Say what you do not want in **negative_prompt**: *blurry, text*.
    • **(word:1.3)** lets a word count more, **[word]** less, and `\(` is only a bracket. FLUX and its kind take the words alone.
    • Keep the **seed** and change one thing at a time to steer a picture.
    • A **cfg** of 5 to 8 suits most models; higher follows the words more stiffly. Turbo models take 0.
    • More **steps** help up to about 30.
help-default = This server paints with **{ $model }**: { $best }.

## Errors: what happened, and what to do

error-invalid_request = **{ $field }**: { $value } does not fit. Allowed: { $allowed }.
# How options are called in errors; the same words as the option's name.
field-prompt = prompt
field-negative_prompt = negative_prompt
field-model = model
field-steps = steps
field-cfg = cfg
field-width = width
field-height = height
field-seed = seed
field-count = count
field-sampler = sampler
field-size = size
field-aspect_ratio = aspect_ratio
field-since = since
field-until = until
# { $span } is a number or two with a dash between.
allowed-size = { $span } in multiples of { $step } for { $model }
allowed-range = { $span } for { $model }
allowed-span = { $span }
allowed-length = { $span } characters
allowed-tokens = at most { $high } tokens (words and parts of words); it has { $found }
allowed-weaker = at most { $high } parts that weigh less than 1, in a prompt of this length; it has { $found }
allowed-seed = -1 (random), or a whole number up to { $high }
allowed-names = { $names }
allowed-whole = a whole number
allowed-number = a number
allowed-example = something like { $example }
error-no-such = { $what ->
    [style] There is no style
   *[model] There is no model
} **{ $name }**.{ $close ->
    [none] {""}
   *[other] {" "}Did you mean { $close }?
}
error-no-style = The style { $name } is not there any more.
error-style-taken = There is a style called { $name } already, or the name cannot be used. Choose another.
error-too-many-styles = A server has { $most } styles at most. Delete one first.
error-model_unavailable = The model **{ $key }** cannot be used now. Choose another with **model**, or tell whoever runs this bot: { $details }
error-out_of_memory = There was not enough memory for this picture. Try a smaller size, fewer pictures, or a smaller model.
error-engine_lost = The program that paints stopped. Try again in a minute.
error-generation_failed = The model failed while it was painting. Try again, with other settings if it stays.{ $id ->
    [none] {""}
   *[other] {" "}The log has the details under **{ $id }**.
}
error-cancelled = Cancelled.
error-queue_closed-stopping = Easel is being restarted. Try again in a minute.
error-queue_closed-disk_full = The disk is nearly full, so nothing new is taken. Whoever runs this bot has to make room.
error-queue_closed-not_written = The job could not be written down, so it was not taken. Try again; if it stays, tell whoever runs this bot.
error-queue_closed-not_cancelled = The disk is full, so this could not be cancelled. Try again in a minute.
error-limit_reached = { $scope ->
    [person] You have reached your limit
    [guild] This server has reached its limit
   *[all] Everyone together has reached the limit
} of { $kind ->
    [waiting] { $maximum ->
        [one] one job
       *[other] { $maximum } jobs
    } at a time
   *[images_a_day] { $maximum ->
        [one] one picture
       *[other] { $maximum } pictures
    } a day
}. { $retry ->
    [none] Come back when one of them is done.
   *[other] Come back in { $retry }.
}
error-not-yours = Only the person who asked for this picture, or a moderator (Manage Messages), can do that.
error-only-owner = Only the person who asked for this picture can do that on this server.
error-not-here = Pictures are not painted in this channel. Use { $channels }.
error-not-role = On this server only some may paint: { $roles }. Ask somebody who runs it.
error-not-moderator = Seeing other people's pictures needs the Manage Messages permission here. Leave **person** out to see your own.
error-not-manager = This needs the Manage Server permission. Ask somebody who runs this server.
error-only-in-server = This works in servers only: a direct message has no settings of its own.
error-one-of = Choose one of **person**, **role** and **together**, or none of them to bind each person.
error-gone = That picture is not known any more. Find yours with **/{ history-name }**.
error-picture-gone = The files of these pictures were deleted, so there is nothing to keep.
error-dm-closed = Discord does not let me write to you. Allow direct messages from this server's members, or add Easel to your own apps, and try again.
error-no-files = I may not attach files in this channel, so nothing was painted. Ask somebody who runs this server to give me Attach Files here, or use another channel.
error-no-picture = There is no picture in this message.
error-no-parameters = This picture does not say how it was made. Many programs and websites take that out; the file must be the original.
error-picture-elsewhere = This picture is not on Discord's own servers, and I read no others. Save it and post it here.
error-picture-unread = The picture could not be read from Discord. Try again in a moment.
error-picture-too-large = This file is too large to be read.
error-outdated = This command has changed since your Discord loaded it. Restart Discord (Ctrl+R), and try again.
error-unexpected = Something went wrong on our side, and nothing of yours was lost. Try again; if it stays, tell whoever runs this bot the code **{ $id }**.

## Styles that are built in; the words they add to a prompt stay English, since the models understand it

style-photo = Photo
style-cinematic = Cinematic
style-anime = Anime
style-watercolor = Watercolour
style-line-art = Line art
style-pixel-art = Pixel art
style-3d = 3D render

## Models that are built in, and what they are best for

best-tiny = first steps: embedded, no download, small pictures of one thing
best-sdxl-turbo = ideas in a second: one step, no negative prompt
best-stable-diffusion-v1-5 = small GPUs, and the largest choice of fine-tunes
best-stable-diffusion-2-1 = landscapes and architecture at 768 pixels
best-stable-diffusion-xl-base = fine pictures in every style, where there is time and 8 GB of GPU memory
best-pixart-sigma = long descriptions with 16 GB of GPU memory
best-stable-diffusion-3-5-medium = many styles and short text in pictures, with 24 GB of GPU memory
best-flux-1-schnell = scenes as they are described, in four steps, with 40 GB of GPU memory
best-z-image-turbo = photos, and text in English and Chinese, in eight steps, with 24 GB of GPU memory
best-qwen-image = posters and long text in English and Chinese, with 64 GB of GPU memory

## Times and sizes

megabytes = { $size } MB
gigabytes = { NUMBER($size, minimumFractionDigits: 1, maximumFractionDigits: 1) } GB
seconds-exact = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
seconds = { $seconds } s
minutes = { $minutes } min
hours = { $hours } h { $minutes } min
