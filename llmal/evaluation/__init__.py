"""How good learners are beside others: what is measured for a report, and trains for it."""
