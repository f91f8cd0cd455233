"""An expert for many devices: a model that answers over the network and shows how it came to its answers.

cli        `roomwise expert serve`: what is served, to whom, how it is secured
app, door  the routes, their errors and their security, around a `desk`
desk       takes questions from all clients, puts them into batches, hands answers back
batching   which of the waiting questions go into the next batch: a decision
panel      a batch answered by the model, with the signals that each asked for
codes      where the model looked, as the code of a shared autoencoder
asking     what a request may hold, checked before a model sees it
chat       OpenAI's chat completions in our terms, and back
gate       who may come in: token, rate, size
metrics    what there is to be counted
scale      the same application on Ray Serve
"""
