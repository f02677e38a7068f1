" SPDX-License-Identifier: MIT
" A notice over the text when an agent asks something and nothing on the screen shows it. It takes no
" focus and no key, and goes by itself.

let s:SHOWN = 8000 " ms
let s:notice = {} " {handle, timer} of the one that is shown

function! s:close(...) abort
  if !empty(s:notice)
    call timer_stop(s:notice.timer)
    call swarm#editor#call('close', s:notice.handle)
    let s:notice = {}
  endif
endfunction

function! s:lines(agent) abort
  let asks = substitute(swarm#items#text#of(a:agent, 'activity'), '^waiting: ', '', '')
  let lines = ['? ' . swarm#state#name(a:agent) . (asks ==# '' ? ' waits for your answer' : ': ' . asks)]
  let open = swarm#approval#count()
  call add(lines, open > 1 ? printf('  %d questions are open; :Swarm approvals', open) : '  :Swarm approvals')
  return map(lines, 'swarm#util#one_line(v:val)')
endfunction

function! s:agent(data) abort
  if get(a:data.agent, 'approvals') == get(a:data.old, 'approvals')
    return
  endif
  let [now, before] = map([a:data.agent, a:data.old], 'swarm#items#text#number(v:val, "approvals")')
  if now == 0 && before > 0
    return s:close()
  elseif now <= before || !swarm#config#get('notify') || swarm#transcript#visible(a:data.id)
        \ || swarm#approval#inbox#visible()
    return
  endif
  call s:close()
  let s:notice = {'handle': swarm#editor#call('float', s:lines(a:data.agent), {'corner': v:true}), 'timer': 0}
  let s:notice.timer = timer_start(s:SHOWN, function('s:close'))
endfunction

" Loading this file is what turns it on.
function! swarm#approval#notice#on() abort
endfunction

call swarm#event#on('agent', function('s:agent'))
