"""Which vision tokens can be left out, and leaving them out.

importance   what a model's maps say of each token       (pure)
choice       importance and a rule -> places that stay   (pure)
drop         vision tokens without the others, or with the others merged into those that stay
serving      all three for every question, as a model's `pruner`
tower        maps of CLIP's and SigLIP's towers, which those models do not return under fused attention
zeroing      what a published post calls pruning: features set to zero. For the study alone
"""
