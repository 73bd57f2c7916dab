/** The namespace: a tree of names, and the contents that they name. Numbers 50 to 89. */
import { type ApplyContext, defineCommand } from '../command.js'
import { type CommandCodec, NAMESPACE_CODECS } from '../namespace-command-codec.js'
import { applySetAttributes } from './namespace-attributes.js'
import { NamespaceDraft } from './namespace-draft.js'
import { applyMkdir } from './namespace-mkdir.js'
import { applyPut } from './namespace-put.js'
import { applyPrune, applyRemove } from './namespace-remove.js'
import { applyRename } from './namespace-rename.js'
import { applyCloseUploads, applyOpenUpload, applyRenewUpload } from './namespace-uploads.js'

/** One command, over a draft that knows the namespace's records. */
function command<C extends { type: string }, R>(
  type: C['type'],
  tag: number,
  codec: CommandCodec<C, R>,
  apply: (draft: NamespaceDraft, command: C) => R,
) {
  return defineCommand<C, R>({
    type,
    tag,
    ...codec,
    apply: (context: ApplyContext, command) => {
      const draft = new NamespaceDraft(context)
      const result = apply(draft, command)
      draft.save()
      return result
    },
  })
}

export const NAMESPACE_COMMANDS = [
  command('put', 50, NAMESPACE_CODECS.put, applyPut),
  command('mkdir', 51, NAMESPACE_CODECS.mkdir, applyMkdir),
  command('rename', 52, NAMESPACE_CODECS.rename, applyRename),
  command('remove', 53, NAMESPACE_CODECS.remove, applyRemove),
  command('prune', 54, NAMESPACE_CODECS.prune, applyPrune),
  command('openUpload', 55, NAMESPACE_CODECS.openUpload, applyOpenUpload),
  command('renewUpload', 56, NAMESPACE_CODECS.renewUpload, applyRenewUpload),
  command('closeUploads', 57, NAMESPACE_CODECS.closeUploads, applyCloseUploads),
  command('setAttributes', 58, NAMESPACE_CODECS.setAttributes, applySetAttributes),
] as const
