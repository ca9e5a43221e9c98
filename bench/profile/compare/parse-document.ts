import { Failure } from '../../failure.js'
import { PROFILE_SCHEMA_VERSION, type ProfileDocument } from '../report/document.js'

/** @throws Failure if the text is no document of a profile, or of another version */
export function parseDocument(name: string, text: string): ProfileDocument {
  let value: Partial<ProfileDocument> | null
  try {
    value = JSON.parse(text)
  } catch {
    throw new Failure(`${name} is no JSON`)
  }
  if (value?.kind !== 'batchconn-profile') throw new Failure(`${name} is no profile; make one with --json`)
  if (value.schemaVersion !== PROFILE_SCHEMA_VERSION) {
    throw new Failure(`${name} is of version ${value.schemaVersion}, this reads version ${PROFILE_SCHEMA_VERSION}`)
  }
  return value as ProfileDocument
}
