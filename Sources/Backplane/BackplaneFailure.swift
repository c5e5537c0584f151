/// Why a backplane did not do what was asked. Whoever asked may ask again.
public enum BackplaneFailure: Error, Sendable, Equatable {
    /// It cannot be reached, or did not answer in time: what was asked may or may not have happened.
    case unavailable
    /// Too much is under way.
    case overloaded
    /// It answered with an error; the text is for the log and the operator.
    case refused(String)
}
