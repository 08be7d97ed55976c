/**
 * An answer that is an error, as a problem document (RFC 9457): what was wrong,
 * in words for whoever called, and the fields that were. It never tells
 * internals of the server.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/**
 * What a problem is about; on the wire its `type` is `urn:rescind:problem:` and
 * the code, its `title` and status come with it.
 *
 * @category models
 * @since 0.1.0
 */
export const codes = {
  "invalid-request": [400, "The request is not valid"],
  unidentified: [401, "Say who you are"],
  "foreign-origin": [403, "Not from this origin"],
  forbidden: [403, "Not yours"],
  "unknown-name": [404, "No task of this name is defined"],
  "task-not-found": [404, "There is no such task"],
  "no-such-route": [404, "There is nothing here"],
  "method-not-allowed": [405, "This method is not allowed here"],
  "already-running": [409, "A task with this id is running"],
  "already-ended": [409, "A task with this id has ended"],
  "wrong-state": [409, "Not in this state"],
  "id-taken": [409, "The id is taken"],
  cancelled: [409, "The work was cancelled"],
  "body-too-large": [413, "The body is too large"],
  "not-json": [415, "The body must be JSON"],
  misdirected: [421, "Not served under this host"],
  "too-many-tasks": [429, "Too many tasks are running"],
  "too-many-streams": [429, "Too many event streams are open"],
  "too-many-requests": [429, "Too many requests"],
  "client-left": [499, "The client left"],
  internal: [500, "Internal error"],
  interrupted: [500, "The work was stopped inside the server"],
  draining: [503, "The server is shutting down"],
  starting: [503, "The server is starting"],
  "deadline-passed": [504, "The deadline passed"]
} as const

/**
 * @category models
 * @since 0.1.0
 */
export type Code = keyof typeof codes

/**
 * One field that was wrong: where it was, and its path there, such as
 * `urls[2]`; empty for the whole.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FieldError = Schema.Struct({
  in: Schema.Literals(["body", "query", "path", "header"]),
  field: Schema.String,
  message: Schema.String
})

/**
 * The document on the wire. `errors` stands with `invalid-request`, `known` with
 * `unknown-name`, `state` with `already-running`, `already-ended` and
 * `wrong-state`, `result` with a cancel that found no task, `reason` with work that
 * was cancelled; `instance` is the path of the task that it is about.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Document = Schema.Struct({
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  errors: Schema.optionalKey(Schema.Array(FieldError)),
  known: Schema.optionalKey(Schema.Array(Schema.String)),
  state: Schema.optionalKey(Schema.String),
  result: Schema.optionalKey(Schema.Json),
  reason: Schema.optionalKey(Schema.Json),
  instance: Schema.optionalKey(Schema.String)
}).annotate({ identifier: "Problem" })

/**
 * Fails a handler with the answer that it stands for.
 *
 * @category errors
 * @since 0.1.0
 */
export class Problem extends Data.TaggedError("Problem")<{
  readonly code: Code
  readonly detail: string
  readonly extension?: Partial<
    Pick<typeof Document.Type, "errors" | "known" | "state" | "result" | "reason" | "instance">
  >
  readonly headers?: Readonly<Record<string, string>>
}> {}

/**
 * The media type of the answers.
 *
 * @category constants
 * @since 0.1.0
 */
export const contentType = "application/problem+json"

/**
 * What stands before the code in the `type` of a document.
 *
 * @category constants
 * @since 0.1.0
 */
export const typePrefix = "urn:rescind:problem:"

/**
 * The `type` of a problem document.
 *
 * @category conversions
 * @since 0.1.0
 */
export const typeOf = (code: Code): string => `${typePrefix}${code}`

/**
 * @category conversions
 * @since 0.1.0
 */
export const toDocument = ({ code, detail, extension }: Problem): typeof Document.Type => {
  const [status, title] = codes[code]
  return { type: typeOf(code), title, status, detail, ...extension }
}

/**
 * @category conversions
 * @since 0.1.0
 */
export const toResponse = (problem: Problem): HttpServerResponse.HttpServerResponse => {
  const document = toDocument(problem)
  return HttpServerResponse.jsonUnsafe(document, { status: document.status, contentType, headers: problem.headers })
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const pathOf = (path: ReadonlyArray<unknown>): string =>
  path.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`
    return at === "" ? String(key) : `${at}.${String(key)}`
  }, "")

/**
 * Decodes a part of the request and names every field that does not fit, up to 50.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = <A>(
  schema: Schema.ConstraintDecoder<A>,
  part: (typeof FieldError.Type)["in"]
): ((input: unknown) => Effect.Effect<A, Problem>) => {
  const decoded = Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty: "error" })
  return (input) => Effect.mapErrorEager(decoded(input), ({ issue }) => invalid(issue, part))
}

/**
 * What a schema found wrong in a part of a request, field by field: the first 50, and what is long of them cut short.
 *
 * @category conversions
 * @since 0.1.0
 */
export const invalid = (issue: SchemaIssue.Issue, part: (typeof FieldError.Type)["in"]): Problem => {
  const { issues } = issuesOf(issue)
  const errors = issues.slice(0, maxErrors).map(({ message, path }) => ({
    in: part,
    field: shortened(pathOf(path ?? [])),
    message: shortened(message)
  }))
  const told = errors.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`)).join("; ")
  const detail = issues.length > maxErrors ? `${told}; and ${issues.length - maxErrors} more` : told
  return new Problem({ code: "invalid-request", detail, extension: { errors } })
}

/** Else a request of one megabyte would be answered by twenty. */
const maxErrors = 50

const shortened = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)
