"""How is work beyond one process split, run and put together again?"""
