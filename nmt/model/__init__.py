"""The network: cells, recurrent layers, encoder, attention, decoder, and the loss they are trained with."""
