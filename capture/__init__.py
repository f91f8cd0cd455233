"""Cameras and microphones, and recordings that replace them. May import core.

What other packages use:

| module | what |
|---|---|
| `sources.choosing` | `spec_of(settings)`: the configured source; `camera_of(spec, settings, tell)` |
| `camera` | `Camera`: `start`, `newest`, `wait`, `frame(max_age_s)` as `Seen`, `status`, `close` |
| `camera_watch` | `Status`, what `tell` of a camera gets |
| `picture` | `Captured`: RGB, distances, times; `captured_frame`: as a `core.types.Frame` |
| `camera` | `LatestSlot`: one value between threads, the newest |
| `spec` | `parse` and `masked`: addresses, and the same without passwords |
| `audio_portaudio` | `portaudio(device, messages)`: opens a sound card |
| `microphone` | `Microphone(opener, tell)`: a sound card that is reopened when lost |
| `audio_file` | `FileMicrophone`: a sound file instead |
| `audio_pieces` | `Status`, what `tell` of a microphone gets |
| `voice_activity` | `open_voice_activity(engine, say)`: detects speech |
| `audio_judged`, `utterance` | `Rules` of a `Segmenter`, which cuts sound into `Utterance`s |
| `audio_listener` | `Listener`: `start`, `press`, `release`, `close`; passes utterances to `give` |
| `audio_whisper` | `load_whisper(engine, model, folder, language, hint)` |
| `transcribe` | `Transcriber`: `start`, `hear(utterance)`: a future of `Heard` or `Unheard`, `close` |
| `speaker` | `voice_commands(voice)`; a `Speaker` runs them: `say`, `stop`, `wait` |
| `speaker` | `Mute`, shared by a speaker and a listener while the agent speaks |

The other modules are internal. A camera, a `Microphone` and a `Transcriber` cost nothing before `start`. They
call back on their own threads; a hanging device is abandoned and keeps no program alive.
"""
