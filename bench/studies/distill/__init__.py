"""What published methods teach a student by beside the expert's words, and the training that they are given.

terms            every term by its name, what it needs; the methods as weights of terms
align, plain     what they compute of maps, vision tokens and likely words
reading, bridge  two models' passes brought to one shape, by rule or learned
computed, balance, few_shot   the terms of a step, kept from drowning the answers, and the steps
autoencoder, fitting, pairing, transfer   maps compared by codes; `adapters.training.codes` holds the encoder
"""
