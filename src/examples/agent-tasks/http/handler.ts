/** What all routes of the task server have in common: decode, ask, encode, and a problem document if that fails. */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as JsonBody from "../../../http/JsonBody.ts"
import * as Problem from "../../../http/Problem.ts"
import { Name } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { callerHeader } from "./api.ts"
import { problemOf } from "./problems.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

const bodyLimit = ByteSize.mebibytes(8)

/** The decoded body. */
export const body = <A>(request: Request, schema: Schema.Codec<A, any>): Effect.Effect<A, Problem.Problem> =>
  Effect.flatMap(JsonBody.read(request, bodyLimit), Problem.decode(Schema.toCodecJson(schema), "body"))

/** A 200 with the encoded value; what its schema does not allow is a defect. */
export const answer =
  <A>(schema: Schema.Codec<A, any>, status = 200): ((value: A) => Response) =>
  (value) =>
    HttpServerResponse.jsonUnsafe(Schema.encodeSync(Schema.toCodecJson(schema))(value), { status })

const isName = Schema.is(Name)

/** Who asks, by the header. */
export const caller = (request: Request): Effect.Effect<string, Problem.Problem> => {
  const given = request.headers[callerHeader]
  if (isName(given)) return Effect.succeed(given)
  const message = `Say who you are with the header "${callerHeader}": letters, digits, "_", ".", "/", ":" or "-"`
  return Effect.fail(
    new Problem.Problem({
      code: "invalid-request",
      detail: message,
      extension: { errors: [{ in: "header", field: callerHeader, message }] }
    })
  )
}

export const pathParam = (key: string): Effect.Effect<string, never, HttpRouter.RouteContext> =>
  Effect.map(HttpRouter.params, (params) => params[key] ?? "")

/** A name in the path, such as that of a worker. */
export const nameParam = (key: string): Effect.Effect<string, Problem.Problem, HttpRouter.RouteContext> =>
  Effect.flatMap(pathParam(key), (name) =>
    isName(name)
      ? Effect.succeed(name)
      : Effect.fail(
          new Problem.Problem({
            code: "invalid-request",
            detail: `${key}: not a name`,
            extension: { errors: [{ in: "path", field: key, message: "not a name" }] }
          })
        )
  )

const internal = new Problem.Problem({ code: "internal", detail: "The server failed; its log says why" })

export const route = <R>(
  method: "GET" | "POST",
  path: HttpRouter.PathInput,
  handler: (request: Request) => Effect.Effect<Response, Problem.Problem | AgentTasksError, R>
): HttpRouter.Route<never, R> =>
  HttpRouter.route(method, path, (request) =>
    handler(request).pipe(
      Effect.catch((error) =>
        Effect.succeed(Problem.toResponse(error instanceof Problem.Problem ? error : problemOf(error)))
      ),
      Effect.catchCauseIf(Cause.hasDies, (cause) =>
        Effect.as(Effect.logError(`${request.method} ${request.url} failed`, cause), Problem.toResponse(internal))
      )
    )
  )
