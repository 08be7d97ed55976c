/** The next piece of an artifact, and what it says of it. */
import type * as A2A from "@a2a-js/sdk"

/** Not made anew: a stream of n pieces would cost n². What `before` shares with others is not touched, but for its parts. */
export const appendPiece = (
  before: A2A.Artifact,
  { description, extensions, metadata, name, parts }: A2A.Artifact
): void => {
  for (const part of parts) before.parts.push(part)
  if (name !== "") before.name = name
  if (description !== "") before.description = description
  if (metadata !== undefined) before.metadata = { ...before.metadata, ...metadata }
  if (extensions.length > 0) before.extensions = Array.from(new Set([...before.extensions, ...extensions]))
}
