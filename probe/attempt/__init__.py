"""One attempt against one target; the only room that opens sockets to targets."""
