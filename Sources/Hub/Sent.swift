/// What became of bytes that were to be sent to one client.
public enum Sent {
    /// So many of them are on their way, maybe not all.
    case moved(Int)
    /// So many of them, and there is no room for more: some wait with its connection, which says when it takes others.
    case filled(Int)
    /// None: there is no room now.
    case full
    /// None: the client is gone, and was let go of.
    case gone
}
