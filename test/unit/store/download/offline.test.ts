import { expect, test } from '@jest/globals'
import { forbidDownloads } from '../../../../src/store/download/offline.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const { task } = recordedTask()

test.each(['open', 'text'] as const)('%s is refused with the URL', async (member) => {
  const urls = ['http://user:word@host/image?token=1', 'http://mirror/image']
  await expect(forbidDownloads()[member](task, urls)).rejects.toMatchObject({
    code: 'LAGO_OFFLINE',
    message: 'cannot download http://host/image?token=***: --offline forbids it',
    hint: 'leave --offline out, or fetch it while there is a network: lago template fetch NAME',
    data: { urls: ['http://host/image?token=***', 'http://mirror/image'] },
  })
})
