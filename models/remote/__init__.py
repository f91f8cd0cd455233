"""Experts on other machines: how questions and answers travel, and who puts them.

opening     the right expert for an address
roomwise    one that `roomwise expert serve` serves: answers and teacher signals
compatible  any server that speaks OpenAI's chat completions: answers and likelihoods
wire        a question's answers with their signals as one safetensors body, and back
address     what an address may look like, and what must not be sent there
call        one request: its time limits, its retries, what a reply may weigh
failure     what a status or a fault of the line means, in a sentence
breaker     when to leave a silent server alone, and for how long
budget      how many calls and bytes it may cost
"""
