"""What phones made without a network and bring later."""
