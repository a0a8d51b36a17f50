### What people read, in English. Values in braces are put in by the bot; people's own words arrive escaped.
### Names of commands and options: at most 32 characters, lower case, no spaces. Descriptions: at most 100.

## Commands and their options

imagine-name = imagine
imagine-description = Paint pictures from words
option-prompt = What to paint: subject, setting, light, style
option-negative-prompt = What to keep out of the picture
option-model = Which model paints (this server's default otherwise)
option-steps = How many steps: more is slower and finer
option-cfg = How closely to follow the prompt
option-width = Width in pixels
option-height = Height in pixels
option-seed = The same seed and settings make the same picture (-1: random)
option-count = How many pictures, 1 to 4
option-sampler = How noise becomes a picture
history-name = history
history-description = Your pictures, newest first
option-history-model = Only pictures of this model
option-history-search = Only prompts that hold these words
option-history-person = Somebody else's pictures on this server (moderators)
model-name = model
model-description = The models that paint
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
limits-show-description = The limits that hold here
limits-set-description = Set a limit for a person, a role or the whole server
limits-clear-description = Remove a limit
option-limits-kind = Jobs waiting at a time, or pictures a day
option-limits-maximum = The largest number allowed; 0 allows none
option-limits-member = Only for this person
option-limits-together = For everyone on this server together
option-limits-role = Only for people with this role
limits-kind-waiting = jobs waiting at a time
limits-kind-images_a_day = pictures a day
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

## Buttons and modal

button-reroll = Reroll
button-edit = Edit
button-delete = Delete
button-cancel = Cancel
button-older = Older
button-newer = Newer
button-newest = Newest
edit-title = Edit and paint again
edit-prompt = Prompt
edit-negative = Negative prompt
edit-steps = Steps
edit-cfg = cfg (how closely to follow)
edit-seed = Seed
edit-seed-hint = -1 for a random one
show-again = Show again…

## History

history-title = { $whose ->
    [own] ### Your pictures
   *[other] ### Pictures of { $person }
}
history-empty = Nothing here yet. Paint something with **/imagine**.
history-no-match = No picture fits. Try other words, or leave the filters out.
history-no-more = There are no older pictures.

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
models-more = …and { $count } more. Search by name in **/model info**.
model-defaults = Default: { $steps ->
    [one] one step
   *[other] { $steps } steps
}, cfg { $cfg }, { $width }×{ $height }, { $sampler }
model-ranges = Takes { $steps } steps, cfg { $cfg }, sizes { $sizes }
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
queue-empty = Nothing of yours is waiting. Paint something with **/imagine**.
queue-line-running = painting now
queue-more = …and { $count } more
cancel-done = Cancelled.
cancel-late = It is done already.
limits-title = ### Limits
limits-none = Nobody is limited here.
limits-line = { $who }: { $maximum } { $kind }
limits-everyone = Everyone on this server together
limits-each = Each person on this server
limits-saved = Saved: { $line }
limits-cleared = Removed.
limits-not-set = There is no such limit.

## Help

help-text =
    ### Easel paints what you describe
    {"**"}/imagine** a red fox in the snow — then **Reroll** for another, **Edit** to change the words, **Delete** to remove it.
    {"**"}/history** finds your pictures · **/queue** shows what waits · **/cancel** stops a job · **/model list** shows the models.

    {"**"}Tips for prompts**
    • Name the subject first, then where it is, the light and the style: *a lighthouse on a cliff, evening light, watercolour*.
    • Say what you do not want in **negative_prompt**: *blurry, text*.
    • Keep the **seed** and change one thing at a time to steer a picture.
    • A **cfg** of 5 to 8 suits most models; higher follows the words more stiffly. Turbo models take 0.
    • More **steps** help up to about 30.
help-default = This server paints with **{ $model }**: { $best }.

## Errors: what happened, and what to do

error-invalid_request = **{ $field }**: { $value } does not fit. Allowed: { $allowed }.
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
error-gone = That picture is not known any more. Find yours with **/history**.
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

## Times

seconds = { $seconds } s
minutes = { $minutes } min
hours = { $hours } h { $minutes } min
