"""From labelled objects to the rows of numbers that a head is fitted on."""
