"""The parts of every class of object, each in the unit box of `training.render.shapes`."""
