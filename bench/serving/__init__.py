"""`roomwise bench expert`: how many devices one expert serves.

cli      the verb
servers  experts as processes of their own, one that batches and one that does not
load     clients that ask at the same time, and what each request took
rows     throughput, waiting and bytes as rows of a report
"""
