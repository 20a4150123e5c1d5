"""Reading a catalogue file into the shop.

``table`` gives the rows of a CSV file, ``mapping`` says which column holds what,
``reader`` makes products of rows, ``writer`` stores them, and ``importer`` runs the
four as one stream.
"""
