" SPDX-License-Identifier: MIT
" The sign that turns in a transcript's last line while its agent is at something and a window shows
" it; nothing ticks otherwise.
scriptencoding utf-8

let s:FRAMES = &encoding !=# 'utf-8' ? ['-', '\', '|', '/'] : ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
let s:INTERVAL = 200 " ms
let s:TURNING = ['queued', 'starting', 'working']

function! swarm#transcript#spinner#turns(agent) abort
  return index(s:TURNING, swarm#items#text#of(a:agent, 'state')) >= 0
endfunction

function! swarm#transcript#spinner#frame(transcript) abort
  return s:FRAMES[a:transcript.frame % len(s:FRAMES)]
endfunction

function! s:needed(transcript) abort
  return a:transcript.problem ==# '' && !empty(win_findbuf(a:transcript.buffer))
        \ && swarm#transcript#spinner#turns(swarm#state#get(a:transcript.id))
endfunction

function! s:tick(transcript, _) abort
  let a:transcript.frame += 1
  call a:transcript.draw()
endfunction

function! swarm#transcript#spinner#stop(transcript) abort
  if a:transcript.timer >= 0
    call timer_stop(a:transcript.timer)
    let a:transcript.timer = -1
  endif
endfunction

" Starts or stops it, as the agent's state asks for.
function! swarm#transcript#spinner#mind(transcript) abort
  let needed = s:needed(a:transcript)
  if needed && a:transcript.timer < 0
    let a:transcript.timer = timer_start(s:INTERVAL, function('s:tick', [a:transcript]), {'repeat': -1})
  elseif !needed
    call swarm#transcript#spinner#stop(a:transcript)
  endif
endfunction
