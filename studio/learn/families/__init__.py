"""Families: each is a set of parameters and one verb, `fit`, that turns a data set into a finished graph."""
