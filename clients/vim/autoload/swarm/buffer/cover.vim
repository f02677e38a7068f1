" SPDX-License-Identifier: MIT
" One buffer of ours over another in the same window: a review over its transcript, a merge over the
" review. What is below comes back when the one above is closed.
"
"   swarm#buffer#cover#over(bufnr)      shows it over what the current window shows; returns whether
"                                       that may be covered
"   swarm#buffer#cover#back()           shows again what the current buffer was opened over, if any:
"                                       returns whether there was something
"   swarm#buffer#cover#uncover(bufnr)   the same, for that buffer, however far down it is
"
" w:swarm_under has what is below: [{bufnr, over, end, view}]; `end`: was the cursor on the last line?

let s:VIEWS = ['swarmtranscript', 'swarmreview', 'swarmmerge', 'swarmapprovals', 'swarmoutput', 'swarmhealth']

" From a prompt it is the window of its transcript that is covered.
function! swarm#buffer#cover#over(bufnr) abort
  if &filetype ==# 'swarmprompt'
    let above = swarm#buffer#window(swarm#buffer#find(matchstr(bufname(), '.*\ze/')))
    stopinsert
    call win_gotoid(above)
  endif
  if index(s:VIEWS, &filetype) < 0
    return v:false
  endif
  let w:swarm_under = get(w:, 'swarm_under', [])
  call add(w:swarm_under, {'bufnr': bufnr(), 'over': a:bufnr, 'end': line('.') == line('$'), 'view': winsaveview()})
  execute 'silent keepjumps buffer' a:bufnr
  return v:true
endfunction

function! s:show(below) abort
  execute 'silent keepjumps buffer' a:below.bufnr
  if a:below.end
    normal! G
  else
    call winrestview(a:below.view)
  endif
  call swarm#event#emit('uncovered', {'bufnr': a:below.bufnr})
  return v:true
endfunction

" What no longer holds, because somebody has shown another buffer in the window, is forgotten.
function! swarm#buffer#cover#back() abort
  let under = get(w:, 'swarm_under', [])
  while !empty(under)
    let below = remove(under, -1)
    if below.over == bufnr() && bufloaded(below.bufnr)
      return s:show(below)
    endif
  endwhile
  return v:false
endfunction

function! swarm#buffer#cover#uncover(bufnr) abort
  let under = get(w:, 'swarm_under', [])
  let at = len(under) - 1
  while at >= 0 && under[at].bufnr != a:bufnr
    let at -= 1
  endwhile
  if at < 0 || under[-1].over != bufnr()
    return v:false
  endif
  return s:show(remove(under, at, -1)[0])
endfunction
