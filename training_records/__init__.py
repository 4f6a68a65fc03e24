"""The records that offices act on and must be able to prove: who holds which post, what they learnt and did, what
follows."""
