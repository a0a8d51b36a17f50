### Español. Nombres de comandos y opciones: hasta 32 caracteres, en minúsculas y sin espacios. Descripciones: hasta 100.

language = Español

## Comandos y opciones

name-prompt = prompt
name-negative-prompt = prompt_negativo
name-model = modelo
name-steps = pasos
name-cfg = cfg
name-width = ancho
name-height = alto
name-seed = semilla
name-count = cantidad
name-sampler = sampler
name-search = buscar
name-person = persona
name-job = trabajo
name-kind = tipo
name-maximum = máximo
name-role = rol
name-together = en_conjunto
name-style = estilo
name-aspect-ratio = formato
name-spoiler = spoiler
name-private = privado
name-favourites = favoritos
name-since = desde
name-until = hasta
name-id = id
imagine-name = imagina
imagine-description = Pinta imágenes a partir de palabras
option-prompt = Qué pintar: sujeto, lugar, luz, estilo. (palabra:1.3) cuenta más, [palabra] menos
option-negative-prompt = Qué no debe salir en la imagen
option-model = Qué modelo pinta (si no, tu predeterminado o el del servidor)
option-style = Un estilo que añade palabras y ajustes propios
option-aspect-ratio = La forma de la imagen; para un tamaño exacto, da ancho y alto
option-steps = Cuántos pasos: más es más lento y más fino
option-cfg = Cuánto ceñirse al prompt
option-width = Ancho en píxeles
option-height = Alto en píxeles
option-seed = La misma semilla con los mismos ajustes da la misma imagen (-1: al azar)
option-count = Cuántas imágenes, de 1 a 4
option-sampler = Cómo el ruido se convierte en imagen
option-spoiler = Oculta las imágenes hasta que alguien las pulse
option-private = Solo lo verás tú
choice-ratio-1-1 = 1:1 (cuadrado)
choice-ratio-5-4 = 5:4 (apaisado)
choice-ratio-4-5 = 4:5 (vertical)
choice-ratio-4-3 = 4:3 (apaisado)
choice-ratio-3-4 = 3:4 (vertical)
choice-ratio-3-2 = 3:2 (apaisado)
choice-ratio-2-3 = 2:3 (vertical)
choice-ratio-16-9 = 16:9 (panorámico)
choice-ratio-9-16 = 9:16 (vertical alto)
history-name = historial
history-description = Tus imágenes, las más nuevas primero
option-history-model = Solo imágenes de este modelo
option-history-search = Solo prompts que contengan estas palabras
option-history-person = Imágenes de otra persona en este servidor (moderadores)
option-history-favourites = Solo tus favoritos, los pidiera quien los pidiera
option-history-since = Desde este día, por ejemplo 2026-11-23
option-history-until = Hasta este día, por ejemplo 2026-11-30
show-name = mostrar
show-description = Recupera un resultado antiguo, con sus botones
option-show-id = Su id, o palabras tuyas: sale en Más y en el historial
menu-parameters-name = Parámetros
menu-run-again-name = Pintar otra vez
model-name = modelo
model-description = Los modelos que pintan
model-list-name = lista
model-info-name = detalles
model-use-name = usar
model-load-name = cargar
model-unload-name = liberar
model-list-description = Todos los modelos, con su velocidad, calidad y estado
model-info-description = Todo sobre un modelo
model-use-description = Hace de un modelo el predeterminado del servidor (Gestionar servidor)
model-load-description = Carga ya un modelo, para que nadie espere (Gestionar servidor)
model-unload-description = Libera la memoria que ocupa un modelo (Gestionar servidor)
option-model-key = El modelo
queue-name = cola
queue-description = Lo que espera y lo que se está pintando: lo tuyo y lo del servidor
cancel-name = cancelar
cancel-description = Cancela un trabajo tuyo
option-cancel-job = Cuál (su id)
limits-name = límites
limits-description = Cuánto puede pedir cada cual (Gestionar servidor)
limits-show-name = ver
limits-set-name = fijar
limits-clear-name = quitar
limits-show-description = Los límites que valen aquí
limits-set-description = Fija un límite para una persona, un rol o todo el servidor
limits-clear-description = Quita un límite
option-limits-kind = Trabajos en espera a la vez, o imágenes al día
option-limits-maximum = El mayor número permitido; 0 no permite ninguno
option-limits-member = Solo para esta persona
option-limits-together = Para todo el servidor en conjunto
option-limits-role = Solo para quien tenga este rol
choice-waiting = trabajos en espera a la vez
choice-images-a-day = imágenes al día
settings-name = ajustes
settings-description = Los ajustes del servidor: modelos, canales, roles, estilos, idioma (Gestionar servidor)
me-name = yo
me-description = Tus valores predeterminados y tus datos: llévatelos o bórralos
help-name = ayuda
help-description = Qué sabe hacer Easel, con consejos para los prompts

## Un trabajo en marcha

queue-next = Eres el siguiente en la cola
queue-ahead = { $ahead ->
    [one] En la cola, con un trabajo delante
   *[other] En la cola, con { $ahead } trabajos delante
}
queue-expected = { $where } · empieza en { $time } aproximadamente
painting-starts = Preparándose para pintar
painting-loading = Cargando el modelo: { $text }
stage-downloading = descargando, { NUMBER($done, minimumFractionDigits: 2) } de { NUMBER($total, minimumFractionDigits: 2) } GB
stage-looking-up = buscando sus archivos
stage-waiting = otro programa lo está descargando
stage-moving = pasándolo al dispositivo
stage-compiling = compilándolo
stage-loading = { $part }
painting-step = Pintando, paso { $step } de { $of }
resumed = Easel se ha reiniciado; tu trabajo sigue aquí.
finished-away = Terminado mientras Easel se reiniciaba.
facts = { $model } · { $sampler } · { $steps ->
    [one] un paso
   *[other] { $steps } pasos
} · cfg { $cfg } · { $size } · semilla { $seed } · { $time }
negative = sin: { $negative }
reroll-of = A partir de { $parent }
picture-gone = Los archivos de estas imágenes se han borrado.
shrunk = Demasiado grande para este sitio: se muestra en WebP{ $scaled ->
    [yes] , reducida
   *[no] {""}
}. El PNG original se conserva.
not-shown = { $count ->
    [one] Una imagen es demasiado grande para publicarla aquí; se conserva.
   *[other] { $count } imágenes son demasiado grandes para publicarlas aquí; se conservan.
}
delivered-elsewhere = Para { $person }: ya no se podía editar el primer mensaje{ $where ->
    [none] {""}
   *[other] {" "}({ $where })
}.

## Finales sin imagen

cancelled = Cancelado.
failed = No se ha podido pintar. { $reason }
dead = Se ha intentado { $attempts } veces y siempre se ha cortado. Prueba con otros ajustes; no se volverá a intentar solo.
unknown-failure = Inténtalo otra vez.
notice-model = **El modelo { $model } no se puede usar.** { $reason }{ $detail ->
    [none] {""}
   *[other] {" "}{ $detail }
} El trabajo { $job } ha fallado por eso; los demás modelos siguen. **/{ model-name } { model-load-name }** lo intenta otra vez.{ $untold ->
    [0] {""}
    [one] {" "}A otro trabajo le ha pasado lo mismo desde el último aviso.
   *[other] {" "}A otros { $untold } trabajos les ha pasado lo mismo desde el último aviso.
}
notice-dead = **Se ha renunciado al trabajo { $job }**: el programa que pinta se ha parado en cada intento, con el modelo { $model }. { $reason } La cola sigue.{ $untold ->
    [0] {""}
    [one] {" "}A otro trabajo le ha pasado lo mismo desde el último aviso.
   *[other] {" "}A otros { $untold } trabajos les ha pasado lo mismo desde el último aviso.
}



## Botones y formulario

button-reroll = Otra vez
button-edit = Editar
button-more = Más
button-favourite = Favorito
button-send = Enviármelo
button-favourites = ⭐ Favoritos
button-delete = Borrar
button-cancel = Cancelar
button-older = Anteriores
button-newer = Siguientes
button-refresh = Actualizar
button-newest = Las últimas
edit-title = Editar y pintar otra vez
edit-prompt = Prompt
edit-negative = Prompt negativo
edit-steps = Pasos
edit-cfg = cfg (cuánto ceñirse al prompt)
edit-seed = Semilla
edit-seed-hint = -1 para una al azar
show-again = Mostrar otra vez…
favourite-added = ⭐ Ya es uno de tus favoritos. **/{ history-name } { name-favourites }** los muestra todos, y sus archivos se conservan.
favourite-removed = Ya no es uno de tus favoritos.
favourite-which = ¿Cuáles te gustan? Pulsa otra vez para quitar uno.
sent-to-you = Lo tienes en tus mensajes directos: { $link }
more-title = ### { $id }
more-command = Para pintarla otra vez:
more-parent = **Hecha a partir de**
more-children = { $count ->
    [one] **Hecha a partir de esta**
   *[other] **Hechas a partir de esta** ({ $count })
}
more-too-large = { $count ->
    [one] Un original es demasiado grande para enviarlo aquí; se conserva.
   *[other] { $count } originales son demasiado grandes para enviarlos aquí; se conservan.
}










## Ajustes de un servidor

settings-title = ### Ajustes de { $server }
settings-intro = Lo que elijas aquí vale desde ahora. Los límites se fijan con **/{ limits-name }**.
settings-press = **Quién puede repetir y editar una imagen.** Borrarla es cosa de su dueño y de los moderadores.
press-owner = Solo quien la pidió
press-moderators = Quien la pidió y los moderadores
press-anyone = Cualquiera del servidor
settings-channels = **Canales** donde se puede pintar
settings-channels-all = Todos los canales
settings-roles = **Roles** que pueden pintar
settings-roles-all = Cualquiera
settings-language = **Idioma** para quien use uno que Easel no habla
language-of-server = El del servidor en Discord
settings-preview = { $on ->
    [yes] Vista previa al pintar: sí
   *[no] Vista previa al pintar: no
}
button-defaults = Predeterminados
button-styles = Estilos
button-back = Volver
button-numbers = Pasos, cfg, tamaño…
button-clear = Quitar todo
defaults-title-server = ### Valores predeterminados del servidor
defaults-intro-server = Valen cuando ni la petición, ni su estilo, ni la persona dicen otra cosa. Lo que no encaje con un modelo se pasa por alto.
defaults-title-me = ### Tus valores predeterminados
defaults-intro-me = Valen dondequiera que pintes, antes que los del servidor. Lo que no encaje con un modelo se pasa por alto.
defaults-model = **Modelo**
defaults-style = **Estilo**
defaults-shape = **Formato**
defaults-count = **Imágenes por vez**
count = { $count ->
    [one] una imagen
   *[other] { $count } imágenes
}
defaults-none-typed = Pasos, cfg, tamaño, sampler y prompt negativo: lo que mejor le vaya al modelo.
not-set = sin definir
fact = { $name }: { $value }
choice-model-decides = lo que le vaya al modelo
numbers-title = Valores predeterminados
numbers-size = Tamaño en píxeles
numbers-size-hint = Ancho × alto, por ejemplo 768×512; vacío, manda el formato
numbers-sampler = Sampler

## Estilos

styles-title = ### Estilos de este servidor
styles-intro = Un estilo añade palabras al prompt y puede traer ajustes. Se elige en **/{ imagine-name }**.
styles-line = { $kind ->
    [own] • **{ $name }** · de este servidor
   *[built-in] • **{ $name }** · incluido
}
styles-hidden = { $name } (oculto)
styles-open = Abrir un estilo…
style-none = Sin estilo
style-words = Palabras: { $words }
style-without = Prompt negativo: { $words }
style-is-hidden = **{ $name }** está oculto en este servidor.
button-new-style = Nuevo estilo…
button-restore = Recuperar el original
style-form-title = Estilo
style-form-called = Nombre
style-form-words = Palabras para el prompt
style-form-words-hint = { $place } marca dónde van las palabras de cada cual; sin ello, van delante

## Los datos de cada cual

me-data-title = **Tus datos**
me-kept = { $generations ->
    [one] Easel guarda una petición tuya
   *[other] Easel guarda { $generations } peticiones tuyas
}, con { $pictures ->
    [one] una imagen
   *[other] { $pictures } imágenes
} ({ $size }).
button-export = Llevármelos
button-erase = Borrarlo todo…
button-erase-yes = Borrarlo todo
me-erase-ask = ### ¿Borrar todo lo que Easel guarda de ti?
    { $generations ->
        [one] Una petición
       *[other] { $generations } peticiones
    } con { $pictures ->
        [one] una imagen
       *[other] { $pictures } imágenes
    } ({ $size }), tus favoritos y tus valores predeterminados se borran para siempre, y también los mensajes que los muestran, donde Easel pueda. Los trabajos en marcha se cancelan. Solo la cuenta de hoy para los límites diarios se queda hasta mañana.
me-erasing = Borrando…
me-erased = { $generations ->
    [one] Borrado: una petición con sus imágenes y todo lo demás tuyo.
   *[other] Borrado: { $generations } peticiones con sus imágenes y todo lo demás tuyo.
} Los mensajes que las muestran van detrás.
me-erased-left = { $generations ->
    [one] Aún quedaba un trabajo en marcha. Bórralo dentro de un momento.
   *[other] Aún quedaban { $generations } trabajos en marcha. Bórralos dentro de un momento.
}
me-export = { $generations ->
    [one] Una petición
   *[other] { $generations } peticiones
} y { $pictures ->
    [one] una imagen
   *[other] { $pictures } imágenes
} tuyas, con tus ajustes.
me-export-part = No cabe todo en un archivo: hay { $generations } peticiones y { $pictures } imágenes. Las imágenes más antiguas están en **/{ history-name }**.

## Historial

history-title = { $whose ->
    [own] ### Tus imágenes
   *[other] ### Imágenes de { $person }
}
history-empty = Aquí aún no hay nada. Pinta algo con **/{ imagine-name }**.
history-no-match = Ninguna imagen encaja. Prueba otras palabras o quita los filtros.
history-no-more = No hay imágenes más antiguas.
history-jump = ir al mensaje
history-deleted = los archivos se borraron
days-ago = { $days ->
    [0] hoy
    [1] ayer
   *[other] hace { $days } días
}




## Modelos

models-title = ### Modelos
models-line = **{ $key }** · { $state }{ $default ->
    [yes] {" "}· el predeterminado aquí
   *[no] {""}
}
models-grades = velocidad { $speed } · calidad { $quality }{ $size ->
    [none] {""}
   *[other] {" "}· { $size }
}{ $best ->
    [none] {""}
   *[other] {" "}· { $best }
}
models-more = …y { $count } más. Búscalos por su nombre en **/{ model-name } { model-info-name }**.
model-defaults = De serie: { $steps ->
    [one] un paso
   *[other] { $steps } pasos
}, cfg { $cfg }, { $width }×{ $height }, { $sampler }
model-ranges = Admite { $steps } pasos, cfg { $cfg }, tamaños { $sizes }
model-no-negative = No tiene guía: el prompt negativo no se tiene en cuenta.
model-stepped = Paso a paso, junto a las imágenes de otras personas: { $samplers }
model-called = Con el planificador propio de diffusers: { $samplers }
model-own-sampler = Tiene su propio sampler; elegir otro no cambia nada.
model-ways-unknown = Qué samplers van paso a paso se sabe donde están sus archivos.
model-licence = Licencia: { $licence }{ $gated ->
    [yes] {" "}· hay que aceptarla en Hugging Face antes de la descarga
   *[other] {""}
}
model-family = Familia { $family }, de { $repository }
model-choice = { $key } — velocidad { $speed }/5, calidad { $quality }/5 — { $best }
state-missing = sin descargar todavía
state-on-disk = en el disco
state-loading = cargando
state-loading-share = cargando, { $share } %
state-loaded = cargado
state-broken = dañado: { $detail }
model-used = **{ $key }** es ahora el modelo predeterminado de este servidor.
model-loading = Cargando **{ $key }**: { $text }
model-loaded = **{ $key }** está cargado.
model-unloaded = **{ $key }** ya no ocupa memoria.

## Cola y límites

queue-title = ### Cola
queue-server = **Este servidor**: { $waiting ->
    [one] un trabajo en espera
   *[other] { $waiting } trabajos en espera
}, { $running } pintándose
queue-empty = No tienes nada en espera. Pinta algo con **/{ imagine-name }**.
queue-line-running = pintándose ahora
queue-more = …y { $count } más
cancel-done = Cancelado.
cancel-late = Ya está terminado.
limits-title = ### Límites
limits-none = Aquí nadie tiene límites.
limits-line = { $who }: { $kind ->
    [waiting] { $maximum ->
        [one] un trabajo en espera a la vez
       *[other] { $maximum } trabajos en espera a la vez
    }
   *[images_a_day] { $maximum ->
        [one] una imagen al día
       *[other] { $maximum } imágenes al día
    }
}
limits-everyone = Todo el servidor en conjunto
limits-each = Cada persona del servidor
limits-saved = Guardado: { $line }
limits-cleared = Quitado.
limits-not-set = No existe ese límite.

## Ayuda

help-text =
    ### Easel pinta lo que describes
    {"**"}/{ imagine-name }** un zorro rojo en la nieve — luego **{ button-reroll }** para otra versión, **{ button-edit }** para cambiar las palabras, **{ button-delete }** para quitarla.
    {"**"}/{ history-name }** encuentra tus imágenes · **/{ queue-name }** muestra lo que espera · **/{ cancel-name }** detiene un trabajo · **/{ model-name } { model-list-name }** enseña los modelos.
    {"**"}{ button-more }** lo cuenta todo de una imagen, y **/{ show-name }** la trae de vuelta · **/{ me-name }** guarda tus propios valores · **Aplicaciones → { menu-parameters-name }**, en el menú de un mensaje, lee cómo se hizo cualquier imagen.

    {"**"}Consejos para los prompts**
    • Primero el sujeto; después dónde está, la luz y el estilo: *un faro en un acantilado, luz de atardecer, acuarela*.
    • Di lo que no quieres en **{ name-negative-prompt }**: *borroso, texto*.
    • **(palabra:1.3)** hace que una palabra cuente más, **[palabra]** menos, y `\(` es solo un paréntesis. FLUX y similares leen las palabras sin más.
    • Conserva la **{ name-seed }** y cambia una sola cosa cada vez para guiar la imagen.
    • Un **cfg** de 5 a 8 va bien a casi todos los modelos; más alto sigue las palabras con más rigidez. Los Turbo llevan 0.
    • Más **{ name-steps }** ayudan hasta unos 30.
    • La mayoría de los modelos entienden mejor el inglés.
help-default = Este servidor pinta con **{ $model }**: { $best }.

## Errores: qué ha pasado y qué hacer

error-invalid_request = **{ $field }**: { $value } no vale. Se admite: { $allowed }.
field-prompt = prompt
field-negative_prompt = prompt_negativo
field-model = modelo
field-steps = pasos
field-cfg = cfg
field-width = ancho
field-height = alto
field-seed = semilla
field-count = cantidad
field-sampler = sampler
field-size = tamaño
field-aspect_ratio = formato
field-since = desde
field-until = hasta
allowed-size = { $span } en múltiplos de { $step } con { $model }
allowed-range = { $span } con { $model }
allowed-span = { $span }
allowed-length = { $span } caracteres
allowed-tokens = como mucho { $high } tokens (palabras y trozos de palabras); tiene { $found }
allowed-weaker = en un prompt de este largo, como mucho { $high } partes que pesen menos de 1; tiene { $found }
allowed-seed = -1 (al azar) o un número entero hasta { $high }
allowed-names = { $names }
allowed-whole = un número entero
allowed-number = un número
allowed-example = algo como { $example }
error-no-such = { $what ->
    [style] No existe el estilo
   *[model] No existe el modelo
} **{ $name }**.{ $close ->
    [none] {""}
   *[other] {" "}¿Querías decir { $close }?
}
error-no-style = El estilo { $name } ya no está.
error-style-taken = Ya hay un estilo llamado { $name }, o ese nombre no se puede usar. Elige otro.
error-too-many-styles = Un servidor tiene como mucho { $most } estilos. Borra uno antes.
error-model_unavailable = El modelo **{ $key }** no se puede usar ahora. Elige otro en **{ name-model }** o díselo a quien lleva este bot: { $details }
error-out_of_memory = No había memoria suficiente para esta imagen. Prueba un tamaño menor, menos imágenes o un modelo más pequeño.
error-engine_lost = El programa que pinta se ha parado. Inténtalo otra vez dentro de un minuto.
error-generation_failed = El modelo ha fallado mientras pintaba. Inténtalo otra vez; si se repite, con otros ajustes.{ $id ->
    [none] {""}
   *[other] {" "}El registro tiene los detalles en **{ $id }**.
}
error-cancelled = Cancelado.
error-queue_closed-stopping = Easel se está reiniciando. Inténtalo otra vez dentro de un minuto.
error-queue_closed-disk_full = El disco está casi lleno, así que no se admite nada nuevo. Quien lleva este bot tiene que hacer sitio.
error-queue_closed-not_written = El trabajo no se ha podido anotar, así que no se ha admitido. Inténtalo otra vez; si sigue igual, díselo a quien lleva este bot.
error-queue_closed-not_cancelled = El disco está lleno y no se ha podido cancelar. Inténtalo otra vez dentro de un minuto.
error-limit_reached = { $scope ->
    [person] Has llegado a tu límite
    [guild] Este servidor ha llegado a su límite
   *[all] Entre todos se ha llegado al límite
} de { $kind ->
    [waiting] { $maximum ->
        [one] un trabajo
       *[other] { $maximum } trabajos
    } a la vez
   *[images_a_day] { $maximum ->
        [one] una imagen
       *[other] { $maximum } imágenes
    } al día
}. { $retry ->
    [none] Vuelve cuando termine alguno.
   *[other] Vuelve dentro de { $retry }.
}
error-not-yours = Eso solo puede hacerlo quien pidió esta imagen o un moderador (Gestionar mensajes).
error-only-owner = En este servidor eso solo puede hacerlo quien pidió la imagen.
error-not-here = En este canal no se pinta. Usa { $channels }.
error-not-role = En este servidor solo pueden pintar algunos: { $roles }. Pregunta a quien lo gestiona.
error-not-moderator = Para ver las imágenes de otras personas hace falta aquí el permiso Gestionar mensajes. Deja **{ name-person }** vacío para ver las tuyas.
error-not-manager = Hace falta el permiso Gestionar servidor. Pide ayuda a quien gestiona este servidor.
error-only-in-server = Esto solo funciona en servidores: un mensaje directo no tiene ajustes propios.
error-one-of = Elige solo una de **{ name-person }**, **{ name-role }** y **{ name-together }**, o ninguna para limitar a cada persona.
error-gone = Esa imagen ya no se conoce. Busca las tuyas con **/{ history-name }**.
error-picture-gone = Los archivos de estas imágenes se borraron, así que no hay nada que guardar.
error-dm-closed = Discord no me deja escribirte. Permite los mensajes directos de los miembros de este servidor, o añade Easel a tus aplicaciones, e inténtalo otra vez.
error-no-files = En este canal no puedo adjuntar archivos, así que no se ha pintado nada. Pide a quien gestiona este servidor que me dé Adjuntar archivos aquí, o usa otro canal.
error-no-picture = En este mensaje no hay ninguna imagen.
error-no-parameters = Esta imagen no dice cómo se hizo. Muchos programas y sitios web lo quitan; tiene que ser el archivo original.
error-picture-elsewhere = Esta imagen no está en los servidores de Discord, y no leo de otros. Guárdala y publícala aquí.
error-picture-unread = No se ha podido leer la imagen de Discord. Inténtalo otra vez dentro de un momento.
error-picture-too-large = Este archivo es demasiado grande para leerlo.
error-outdated = Este comando ha cambiado desde que tu Discord lo cargó. Reinicia Discord (Ctrl+R) e inténtalo otra vez.
error-unexpected = Algo ha fallado por nuestra parte, y no se ha perdido nada tuyo. Inténtalo otra vez; si sigue igual, da a quien lleva este bot el código **{ $id }**.

## Estilos incluidos

style-photo = Foto
style-cinematic = De cine
style-anime = Anime
style-watercolor = Acuarela
style-line-art = Dibujo a línea
style-pixel-art = Pixel art
style-3d = Render 3D

## Para qué va mejor cada modelo incluido

best-tiny = primeros pasos: incluido, sin descargas, imágenes pequeñas de una sola cosa
best-sdxl-turbo = ideas en un segundo: un solo paso, sin prompt negativo
best-stable-diffusion-v1-5 = GPU pequeñas y la mayor variedad de modelos derivados
best-stable-diffusion-2-1 = paisajes y arquitectura a 768 píxeles
best-stable-diffusion-xl-base = imágenes finas en todos los estilos, si hay tiempo y 8 GB de memoria de GPU
best-pixart-sigma = descripciones largas con 16 GB de memoria de GPU
best-stable-diffusion-3-5-medium = muchos estilos y textos cortos en la imagen, con 24 GB de memoria de GPU
best-flux-1-schnell = escenas tal como se describen, en cuatro pasos, con 40 GB de memoria de GPU
best-z-image-turbo = fotos, y texto en inglés y chino, en ocho pasos, con 24 GB de memoria de GPU
best-qwen-image = carteles y textos largos en inglés y chino, con 64 GB de memoria de GPU

## Tiempos y tamaños

megabytes = { $size } MB
gigabytes = { NUMBER($size, minimumFractionDigits: 1, maximumFractionDigits: 1) } GB
seconds-exact = { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
seconds = { $seconds } s
minutes = { $minutes } min
hours = { $hours } h { $minutes } min
