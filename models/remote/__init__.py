"""Experts on other machines.

opening     the right expert for an address
roomwise    the client of `roomwise expert serve`: answers and teacher signals
compatible  the client of OpenAI-compatible servers: answers and likelihoods
wire        answers with their signals as one safetensors body
address     parse and check an address
call        one request: time limits, retries, size limits; leave a silent server alone
failure     error messages for failed calls
budget      limits of calls and bytes
"""
