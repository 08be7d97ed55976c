import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hosting, message, obedient, version } from "./hosting.ts"

const json = { "content-type": "application/json" }

describe("bad input to an agent (over real sockets)", () => {
  it.live("by JSON-RPC is an answer of JSON-RPC, which names what is wrong", () =>
    hosting(obedient().agent, { bodyLimit: 2000 }, (site) =>
      Effect.gen(function* () {
        const ok = { jsonrpc: "2.0", id: 5, method: "ListTasks", params: {} }
        const send = (fields: object) => ({ ...ok, method: "SendMessage", params: { ...message("x"), ...fields } })
        const part = (value: unknown) => send(message("", { parts: [value] }))
        for (const [body, status, id, code, says] of [
          ["", 200, null, -32700, "empty"],
          ["{", 200, null, -32700, "not JSON"],
          ['"\\ud800', 200, null, -32700, "not JSON"],
          [`${"[".repeat(100)}${"]".repeat(100)}`, 200, null, -32700, "64 deep"],
          ["null", 200, null, -32600, "object"],
          ["5", 200, null, -32600, "object"],
          [[ok], 200, null, -32600, "Batches"],
          [[], 200, null, -32600, "Batches"],
          [{ ...ok, jsonrpc: "1.0" }, 200, 5, -32600, "jsonrpc"],
          [{ ...ok, jsonrpc: undefined }, 200, 5, -32600, "jsonrpc"],
          [{ ...ok, id: 1.5 }, 200, null, -32600, "id"],
          [{ ...ok, id: {} }, 200, null, -32600, "id"],
          [{ ...ok, id: true }, 200, null, -32600, "id"],
          [{ ...ok, method: undefined }, 200, 5, -32600, "method"],
          [{ ...ok, method: 5 }, 200, 5, -32600, "method"],
          [{ ...ok, method: "" }, 200, 5, -32600, "method"],
          [{ ...ok, id: "s", method: "message/send" }, 200, "s", -32601, "message/send"],
          [{ ...ok, method: "__proto__" }, 200, 5, -32601, "__proto__"],
          [{ ...ok, params: undefined }, 200, 5, -32602, "params"],
          [{ ...ok, params: null }, 200, 5, -32602, "params"],
          [{ ...ok, params: "x" }, 200, 5, -32602, "params"],
          [{ ...ok, params: [] }, 200, 5, -32602, "params"],
          [{ ...ok, params: { tenant: 5 } }, 200, 5, -32602, "tenant"],
          [{ ...ok, params: { historyLength: -1 } }, 200, 5, -32602, "historyLength"],
          [{ ...ok, params: { historyLength: "x" } }, 200, 5, -32602, "historyLength"],
          [{ ...ok, params: { pageSize: 0 } }, 200, 5, -32602, "pageSize"],
          [{ ...ok, params: { pageSize: 101 } }, 200, 5, -32602, "pageSize"],
          [{ ...ok, params: { pageToken: "x" } }, 200, 5, -32602, "pageToken"],
          [{ ...ok, params: { status: "WORKING" } }, 200, 5, -32602, "status"],
          [{ ...ok, params: { statusTimestampAfter: "yesterday" } }, 200, 5, -32602, "statusTimestampAfter"],
          [{ ...ok, method: "GetTask" }, 200, 5, -32602, "id"],
          [{ ...ok, method: "GetTask", params: { id: { toString: 1 } } }, 200, 5, -32602, "id"],
          [{ ...ok, method: "CancelTask", params: { id: "" } }, 200, 5, -32602, "id"],
          [{ ...ok, method: "SubscribeToTask", params: {} }, 200, 5, -32602, "id"],
          [send({ message: undefined }), 200, 5, -32602, "message"],
          [send({ message: "x" }), 200, 5, -32602, "message"],
          [send({ message: [] }), 200, 5, -32602, "message"],
          [send(message("", { messageId: undefined })), 200, 5, -32602, "message.messageId"],
          [send(message("", { messageId: 5 })), 200, 5, -32602, "message.messageId"],
          [send(message("", { taskId: {} })), 200, 5, -32602, "message.taskId"],
          [send(message("", { role: "user" })), 200, 5, -32602, "message.role"],
          [send(message("", { parts: undefined })), 200, 5, -32602, "message.parts"],
          [send(message("", { parts: {} })), 200, 5, -32602, "message.parts"],
          [send(message("", { parts: [] })), 200, 5, -32602, "message.parts"],
          [part(null), 200, 5, -32602, "message.parts[0]"],
          [part("x"), 200, 5, -32602, "message.parts[0]"],
          [part({}), 200, 5, -32602, "message.parts[0]"],
          [part({ kind: "file" }), 200, 5, -32602, "message.parts[0]"],
          [part({ text: 5 }), 200, 5, -32602, "text"],
          [part({ raw: {} }), 200, 5, -32602, "raw"],
          [part({ text: "x", url: "y" }), 200, 5, -32602, "message.parts[0]"],
          [part({ data: null }), 200, 5, -32602, "message.parts[0]"],
          [send({ configuration: "x" }), 200, 5, -32602, "configuration"],
          [send({ configuration: { historyLength: 1.5 } }), 200, 5, -32602, "configuration.historyLength"],
          [send({ configuration: { returnImmediately: "false" } }), 200, 5, -32602, "configuration.returnImmediately"],
          [send({ configuration: { acceptedOutputModes: "x" } }), 200, 5, -32602, "configuration.acceptedOutputModes"],
          [send({ configuration: { taskPushNotificationConfig: 5 } }), 200, 5, -32602, "taskPushNotificationConfig"],
          [send({ metadata: 5 }), 200, 5, -32602, "metadata"],
          [send(message("", { metadata: [1] })), 200, 5, -32602, "message.metadata"],
          [send(message("", { extensions: 5 })), 200, 5, -32602, "message.extensions"],
          [send(message("", { referenceTaskIds: "x" })), 200, 5, -32602, "message.referenceTaskIds"],
          [send(message("", { referenceTaskIds: [{ toString: null }] })), 200, 5, -32602, "message.referenceTaskIds"],
          [part({ text: "x", metadata: 5 }), 200, 5, -32602, "metadata"],
          [part({ text: "x", mediaType: {} }), 200, 5, -32602, "mediaType"],
          [part({ text: "x", filename: 7 }), 200, 5, -32602, "filename"],
          [part({ raw: "!!" }), 200, 5, -32602, "base64"],
          [{ ...ok, params: { statusTimestampAfter: 5 } }, 200, 5, -32602, "statusTimestampAfter"],
          [{ ...ok, params: { includeArtifacts: "yes" } }, 200, 5, -32602, "includeArtifacts"],
          [{ ...ok, method: "CancelTask", params: { id: "x", metadata: "why" } }, 200, 5, -32602, "metadata"],
          [part({ text: "x".repeat(3000) }), 413, null, -32600, "2000 bytes"]
        ] as const) {
          const answer = yield* site.request("/", {
            method: "POST",
            headers: { ...version, ...json },
            body: typeof body === "string" ? body : JSON.stringify(body)
          })
          const said = JSON.stringify(body)
          expect([said, answer.status, answer.json]).toEqual([
            said,
            status,
            {
              jsonrpc: "2.0",
              id,
              error: { code, message: expect.stringContaining(says), data: [expect.objectContaining({})] }
            }
          ])
        }
        expect((yield* site.get("/tasks")).json.totalSize).toBe(0)
        const bytes = yield* site.request("/", {
          method: "POST",
          headers: { ...version, ...json },
          body: new Uint8Array([0x22, 0xff, 0x22])
        })
        expect([bytes.json.error.code, bytes.json.error.message]).toEqual([-32700, "The body is not valid UTF-8"])
        for (const type of ["text/plain", "application/xml", "application/jsonp", ""]) {
          const answer = yield* site.request("/", {
            method: "POST",
            headers: { ...version, "content-type": type },
            body: JSON.stringify(ok)
          })
          expect([type, answer.status, answer.json.error.code]).toEqual([type, 200, -32005])
        }
        const nameless = yield* site.post("/", { ...ok, id: undefined })
        expect(nameless.json).toMatchObject({ id: null, result: { tasks: [] } })
        expect(site.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
      })
    )
  )

  it.live("by REST is a `google.rpc.Status`", () =>
    hosting(obedient().agent, { bodyLimit: 2000 }, (site) =>
      Effect.gen(function* () {
        const post = (path: string, body: string, type = "application/json") =>
          site.request(path, { method: "POST", headers: { ...version, "content-type": type }, body })
        for (const [answer, status, name] of [
          [yield* post("/message:send", "{"), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:send", ""), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:send", "[]"), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:send", "{}"), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:stream", "{}"), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:send", "{}", "text/plain"), 400, "INVALID_ARGUMENT"],
          [yield* post("/message:send", `"${"x".repeat(3000)}"`), 413, "RESOURCE_EXHAUSTED"],
          [yield* site.get("/tasks?pageSize=x"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks?pageSize=1&pageSize=2"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks?contextId=1&contextId=2"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks?includeArtifacts=yes"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks?status=odd"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks?historyLength=-1"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks/x?historyLength=1e99"), 400, "INVALID_ARGUMENT"],
          [yield* site.get("/tasks/x"), 404, "NOT_FOUND"],
          [yield* site.get("/tasks/x:__proto__"), 404, "NOT_FOUND"],
          [yield* site.post("/tasks/x:stop"), 404, "NOT_FOUND"],
          [yield* site.get(`/tasks/${"x".repeat(200)}`), 404, "NOT_FOUND"],
          [yield* site.get("/nowhere/at/all"), 404, "NOT_FOUND"],
          [yield* site.get("/message:send"), 405, "UNIMPLEMENTED"],
          [yield* site.request("/tasks", { method: "PUT", headers: version }), 405, "UNIMPLEMENTED"],
          [yield* site.request("/acme/extendedAgentCard", { method: "DELETE", headers: version }), 405, "UNIMPLEMENTED"]
        ] as const) {
          expect([answer.status, answer.json]).toEqual([
            status,
            {
              error: { code: status, status: name, message: expect.any(String), details: [expect.objectContaining({})] }
            }
          ])
          expect(answer.headers.get("content-type")).toBe("application/a2a+json")
        }
        // Whether it is a route that finds out, or that there is none; tenants included.
        for (const [method, path, allow] of [
          ["PUT", "/tasks", "GET"],
          ["POST", "/tasks", "GET"],
          ["POST", "/tasks/x", "GET"],
          ["DELETE", "/tasks/x", "GET"],
          ["GET", "/tasks/x:cancel", "POST"],
          ["HEAD", "/tasks/x:cancel", "POST"],
          ["DELETE", "/tasks/x:cancel", "POST"],
          ["GET", "/acme/tasks/x:cancel", "POST"],
          ["GET", "/tasks/a:b:cancel?historyLength=1", "POST"],
          ["PUT", "/tasks/x:subscribe", "GET, POST"],
          ["GET", "/message:send", "POST"],
          ["GET", "/acme/message:stream", "POST"],
          ["DELETE", "/message:stream", "POST"],
          ["POST", "/acme/extendedAgentCard", "GET"],
          ["PUT", "/tasks/x/pushNotificationConfigs", "GET, POST"],
          ["POST", "/tasks/x/pushNotificationConfigs/y", "GET, DELETE"]
        ] as const) {
          const headers = method === "POST" ? { ...version, ...json } : version
          const init = method === "POST" ? { method, headers, body: "{}" } : { method, headers }
          const answer = yield* site.request(path, init)
          expect([method, path, answer.status, answer.headers.get("allow")]).toEqual([method, path, 405, allow])
        }
        // A body in the protocol's own type, and none where none is needed.
        const sent = yield* post(
          "/message:send",
          JSON.stringify(message("echo x")),
          "application/a2a+json; charset=utf-8"
        )
        expect(sent.json.task.status.state).toBe("TASK_STATE_COMPLETED")
        expect((yield* site.get("/tasks?pageSize=&includeArtifacts=false&status=3")).json.tasks).toHaveLength(1)
        expect((yield* site.get("/tasks?includeArtifacts=false")).json.tasks[0].artifacts).toBe(undefined)
        expect((yield* site.get("/tasks?includeArtifacts=true")).json.tasks[0].artifacts).toHaveLength(1)
        expect((yield* site.get("/tasks?status=TASK_STATE_WORKING")).json.tasks).toEqual([])
      })
    )
  )
})
