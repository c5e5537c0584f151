/// What became of bytes that were to be sent to one client.
public enum Sent {
    /// So many of them are on their way, maybe not all.
    case moved(Int)
    /// None: there is no room now.
    case full
    /// None: the client is gone, and was let go of.
    case gone
}
