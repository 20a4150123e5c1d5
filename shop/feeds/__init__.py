"""Reading a catalogue file into the shop.

``table`` and ``xml_feed`` give the rows of a file, ``mapping`` says which column holds what,
``survey`` looks the whole file through, ``reader`` makes products of rows (``grouped`` and
``children`` of several), ``writer`` stores them, and ``importer`` runs them as one stream.
"""
