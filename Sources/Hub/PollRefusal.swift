internal import Broker

/// Why a poll gets nothing.
public enum PollRefusal {
    /// Its channels could not be opened in time.
    case unavailable
    /// The backplane refuses one of its channels.
    case forbidden
    /// Another request of its session took its place.
    case displaced
    /// Its client changed its session elsewhere, and asks anew.
    case released
    /// Its client ended its session.
    case ended
    /// Its client is sent away.
    case dismissed

    init(_ taking: SessionTaking) {
        switch taking {
        case .attach: self = .displaced
        case .visit: self = .released
        case .end: self = .ended
        }
    }
}
