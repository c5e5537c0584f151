/// Why a poll is answered without what it asked for.
public enum PollRefusal {
    /// Its channels could not be opened in time.
    case unavailable
    /// The backplane does not let the node hear one of its channels.
    case forbidden
    /// Another request of its session took its place.
    case displaced
}
