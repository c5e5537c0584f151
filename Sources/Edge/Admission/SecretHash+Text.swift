public import Broker
internal import Crypto

extension SecretHash {
    /// The hash of a secret as it is shown.
    public init(of text: String) {
        var hash = SHA256()
        var text = text
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        self.init(hash.finalize())
    }
}
