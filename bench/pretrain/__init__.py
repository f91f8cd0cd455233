"""Training the built-in pair from nothing on rendered rooms: `roomwise pretrain`.

common               rooms rendered once, into shards that are whole or absent; reading them while they grow
words.txt, vocabulary   the words that both models share
augment, labels      what a batch looks like: pictures as a camera might see them, a label for every cell
recipes              sizes, stages, steps, rates of both models
dense                stage 1: the tower learns what is where, from what the renderer knows
asking               stages 2 and 3: the language model learns to answer, then all together; exact match
loop                 any step can be the last: one file, replaced at once; the loop over steps
curve                the loss curve
train, commands, cli the stages in order; the command; the finished model and its card
scene                the scene encoders, which tell places from pictures and from depth
"""
