import Foundation

/// A JSON message of a node.
struct Message: CustomStringConvertible {
    let text: String
    private let object: [String: Any]

    init(_ text: String) throws {
        self.text = text
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw TestFailure("not a message: \(text)")
        }
        self.object = object
    }

    /// One of several in an answer.
    init(_ object: [String: Any]) throws {
        text = String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
        self.object = object
    }

    var description: String { text }
    var type: String { object["type"] as? String ?? "" }
    var channel: String? { object["channel"] as? String }
    var position: String? { object["position"] as? String }
    var from: String? { object["from"] as? String }
    var to: String? { object["to"] as? String }
    var code: Int? { object["code"] as? Int }
    var reason: String? { object["reason"] as? String }
    var id: Int? { object["id"] as? Int }
    var isRecovered: Bool? { object["recovered"] as? Bool }
    var data: String? { object["data"] as? String }
    var data64: String? { object["data64"] as? String }

    subscript(field: String) -> Any? { object[field] }
}
