"""An expert for many devices: a model that answers over the network and shows how it came to its answers.

cli        `roomwise expert serve`: what is served, to whom, how it is secured
serve      the server as a process                scale     the same on Ray, several times
app        the routes, their errors, around a desk
door       the token, rates and sizes, checked before a request is read; errors as a status and a reason
asking     what a request may hold, checked before a model sees it
chat       OpenAI's chat completions in our terms, and back
desk       takes questions from all clients, puts them into batches, hands answers back
panel      a batch answered by the model, with the signals and the maps' codes that each asked for
served     what is served, and what can be had of it
metrics    what there is to be counted
"""
