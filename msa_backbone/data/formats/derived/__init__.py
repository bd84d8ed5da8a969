"""What files leave out or spell in their own way, where the truth is certain.

Every function takes content and gives back content with notes: a line for each kind of change, with
its count. Content in which nothing had to change is returned itself.
"""
