/** `WorkerLink` over HTTP: for a worker in a process, or on a machine, of its own. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type AgentTasksError, UnexpectedAnswer } from "../agentTaskErrors.ts"
import { WorkerLink } from "../WorkerLink.ts"
import { Notice } from "../workerMessages.ts"
import * as Api from "./api.ts"
import { call, type Server, unreachable } from "./call.ts"

const encodeReport = Schema.encodeUnknownSync(Schema.toCodecJson(Api.Report))
const decodeNotice = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(Notice)))

/** One event a notice; what is not data is a sign of life. */
const notices = ({ client, url }: Server, worker: string): Stream.Stream<Notice, AgentTasksError> =>
  Stream.unwrap(
    Effect.map(
      Effect.mapError(client.execute(HttpClientRequest.get(`${url}/workers/${worker}/notices`)), (error) =>
        unreachable(url, error)
      ),
      (response) => Stream.mapError(response.stream, (error) => unreachable(url, error))
    )
  ).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((line) => line.startsWith("data: ")),
    Stream.mapEffect((line) =>
      Effect.mapError(
        decodeNotice(line.slice("data: ".length)),
        ({ message }) => new UnexpectedAnswer({ url, status: 200, message })
      )
    )
  )

const at = (worker: string, what: string): string => `/workers/${worker}/${what}`

const service = (server: Server, leaseMillis: number): WorkerLink["Service"] => {
  return {
    leaseMillis,
    claim: (worker, max) =>
      Effect.map(
        call(server, { path: at(worker, "claims"), body: { max }, schema: Api.Claimed, timeout: "40 seconds" }),
        ({ assignments }) => assignments
      ),
    notices: (worker) => notices(server, worker),
    heartbeat: (worker, runs) => call(server, { path: at(worker, "heartbeats"), body: { runs }, schema: Api.Beaten }),
    report: (worker, report) =>
      Effect.map(
        call(server, { path: at(worker, "reports"), body: encodeReport(report), schema: Api.Reported }),
        ({ receipt }) => receipt
      ),
    leave: (worker) => Effect.asVoid(call(server, { path: at(worker, "goodbye"), body: {}, schema: Api.Nothing }))
  }
}

/** Asks the server for its lease first: without a server there is no worker. */
export const layer = (url: string): Layer.Layer<WorkerLink, AgentTasksError, HttpClient.HttpClient> =>
  Layer.effect(
    WorkerLink,
    Effect.gen(function* () {
      const server = { client: yield* HttpClient.HttpClient, url }
      const { leaseMillis } = yield* call(server, { path: "/about", schema: Api.About })
      return service(server, leaseMillis)
    })
  )
