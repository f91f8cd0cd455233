"""Cameras and microphones, and recordings that stand in for them. May import core.

What other packages use, and where it is:

| module | what |
|---|---|
| `sources.choosing` | `spec_of(settings)`: what is named there; `camera_of(spec, settings, tell)` |
| `camera` | `Camera`: `start`, `newest`, `wait`, `frame(max_age_s)` as `Seen`, `status`, `close` |
| `camera_watch` | what `tell` of a camera gets: `Opened`, `Lost`, `Back`, `Ended` |
| `picture` | `Captured`: RGB, distances, times; `captured_frame`: as a `core.types.Frame` |
| `slot` | `LatestSlot`: one value between threads, the newest |
| `spec` | `parse` and `masked`: addresses, and the same without passwords |
| `audio_portaudio` | `portaudio(device, messages)`: what opens a sound card |
| `microphone` | `Microphone(opener, tell)`: a sound card that is found again when lost |
| `audio_file` | `FileMicrophone`: a sound file in its place |
| `audio_watch` | what `tell` of a microphone gets: `Opened`, `Lost`, `Back`, `Ended` |
| `voice_activity` | `open_voice_activity(engine, say)`: what tells speech from other sound |
| `audio_judged`, `utterance` | `Rules` of a `Segmenter`, which cuts sound into `Utterance`s |
| `audio_listener` | `Listener`: `start`, `press`, `release`, each utterance to `give`, `close` |
| `audio_whisper` | `load_whisper(engine, model, folder, language, hint)` |
| `transcribe` | `Transcriber`: `start`, `hear(utterance)`: a future of `Heard` or `Unheard`, `close` |
| `speaker` | `voice_commands(voice)`; a `Speaker` runs them: `say`, `stop`, `wait` |
| `speaker` | `Mute`, of a speaker and a listener: nothing is heard while the agent speaks |

The other modules are theirs. A camera, a `Microphone` and a `Transcriber` cost nothing before `start`. What
is told is told on their own threads; a device that hangs is left behind and keeps no program alive.
"""
