import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import { hosting, message } from "./hosting.ts"

interface Got {
  readonly token: string | undefined
  readonly contentType: string | undefined
  readonly body: any
}

/** A client's own server, told by webhook. */
const listening = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly got: Array<Got>; readonly close: () => void }>((resume) => {
    const got: Array<Got> = []
    const server = createServer((request, response) => {
      let text = ""
      request.setEncoding("utf8").on("data", (piece) => (text += piece))
      request.on("end", () => {
        const { "content-type": contentType, "x-a2a-notification-token": token } = request.headers
        got.push({ token: token as string | undefined, contentType, body: JSON.parse(text) })
        response.end()
      })
    }).listen(0, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
      resume(Effect.succeed({ url, got, close: () => server.close().closeAllConnections() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const agent = Agent.make("agent", {
  description: "Waits when it is told to",
  run: ({ text }) => (text === "wait" ? Effect.never : Effect.succeed(text))
})

describe("webhooks of an agent (over real sockets)", () => {
  it.live("are told of everything that happens to the task, in order, its cancel included, with the token", () =>
    hosting(agent, { pushNotifications: true, push: { allow: () => true } }, (site) =>
      Effect.gen(function* () {
        const { got, url } = yield* listening
        const configuration = { returnImmediately: true, taskPushNotificationConfig: { url, token: "secret" } }
        const sent = yield* site.rpc("SendMessage", { ...message("wait"), configuration })
        const { id } = sent.json.result.task
        while (got.length < 2) yield* Effect.sleep(1)
        yield* site.rpc("CancelTask", { id, metadata: { reason: "enough" } })
        while (got.length < 3) yield* Effect.sleep(1)
        expect(got.map(({ body }) => body.task?.status.state ?? body.statusUpdate.status.state)).toEqual([
          "TASK_STATE_SUBMITTED",
          "TASK_STATE_WORKING",
          "TASK_STATE_CANCELED"
        ])
        expect(got[2]!.body.statusUpdate.metadata.rescind).toMatchObject({ message: "enough" })
        expect(new Set(got.map(({ contentType, token }) => `${contentType} ${token}`))).toEqual(
          new Set(["application/a2a+json secret"])
        )
      })
    )
  )

  it.live("are not where only the server itself gets, by default", () =>
    hosting(agent, { pushNotifications: true }, (site) =>
      Effect.gen(function* () {
        const { got, url } = yield* listening
        const configuration = { taskPushNotificationConfig: { url } }
        const sent = yield* site.rpc("SendMessage", { ...message("done"), configuration })
        expect(sent.json.error).toMatchObject({ code: -32602, message: expect.stringContaining(new URL(url).origin) })
        const { id } = (yield* site.rpc("SendMessage", message("done"))).json.result.task
        const created = yield* site.post(`/tasks/${id}/pushNotificationConfigs`, { url })
        expect([created.status, created.json.error.status]).toEqual([400, "INVALID_ARGUMENT"])
        expect(got).toEqual([])
      })
    )
  )

  it.live("may be registered later, listed and deleted, but not where the server forbids it", () =>
    hosting(agent, { pushNotifications: true, push: { allow: ({ hostname }) => hostname !== "10.0.0.1" } }, (site) =>
      Effect.gen(function* () {
        const { url } = yield* listening
        const sent = yield* site.rpc("SendMessage", message("done"))
        const { id: taskId } = sent.json.result.task
        const created = yield* site.rpc("CreateTaskPushNotificationConfig", { taskId, url })
        const { id } = created.json.result
        const list = () =>
          Effect.map(site.rpc("ListTaskPushNotificationConfigs", { taskId }), ({ json }) => json.result)
        expect((yield* list()).configs).toMatchObject([{ id, taskId, url }])
        expect((yield* site.rpc("GetTaskPushNotificationConfig", { taskId, id })).json.result).toMatchObject({ url })
        yield* site.rpc("DeleteTaskPushNotificationConfig", { taskId, id })
        expect((yield* list()).configs ?? []).toEqual([])
        const refused = yield* site.rpc("CreateTaskPushNotificationConfig", { taskId, url: "http://10.0.0.1/" })
        expect(refused.json.error).toMatchObject({ code: -32602, message: expect.stringContaining("http://10.0.0.1") })
      })
    )
  )
})
