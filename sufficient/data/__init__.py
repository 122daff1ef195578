"""From a SPEC to labelled objects, with an audit of every object found."""
