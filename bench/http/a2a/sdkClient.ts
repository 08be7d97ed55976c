/** Asks a server once with the SDK's own client, so that nothing is measured that real clients would not understand. */
import { Role, TaskState } from "@a2a-js/sdk"
import type { SendMessageRequest } from "@a2a-js/sdk"
import { ClientFactory } from "@a2a-js/sdk/client"
import type { ServerProcess } from "../ServerProcess.ts"
import { wrong } from "./calls.ts"
import { echo, stream, wait } from "./commands.ts"

export const verifiedBySdk = async ({ name, port }: ServerProcess): Promise<void> => {
  const client = await new ClientFactory().createFromUrl(`http://127.0.0.1:${port}`)
  const answer = await client.sendMessage(requestOf(echo("hello")))
  if (!("artifacts" in answer) || answer.status?.state !== TaskState.TASK_STATE_COMPLETED) {
    wrong(name, `the SDK's client was answered ${JSON.stringify(answer)}`)
  }
  const cases: Array<string | undefined> = []
  for await (const { payload } of client.sendMessageStream(requestOf(stream(3, "by-turn")))) cases.push(payload?.$case)
  if (cases.join(" ") !== "task statusUpdate artifactUpdate artifactUpdate artifactUpdate statusUpdate") {
    wrong(name, `the SDK's client read ${cases.join(" ")}`)
  }
  let last: TaskState | undefined
  for await (const { payload } of client.sendMessageStream(requestOf(wait))) {
    if (payload?.$case !== "statusUpdate") continue
    last = payload.value.status?.state
    if (last !== TaskState.TASK_STATE_WORKING) continue
    const task = await client.cancelTask({ tenant: "", id: payload.value.taskId, metadata: undefined })
    if (task.status?.state !== TaskState.TASK_STATE_CANCELED) wrong(name, `the cancel left ${JSON.stringify(task)}`)
  }
  if (last !== TaskState.TASK_STATE_CANCELED) wrong(name, `the stream ended in the state ${last}`)
}

const requestOf = (text: string): SendMessageRequest => ({
  tenant: "",
  message: {
    messageId: crypto.randomUUID(),
    contextId: "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "" }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: []
  },
  configuration: undefined,
  metadata: undefined
})
