" SPDX-License-Identifier: MIT
" g? of the plugin's buffers: the keys of the current one, as swarm#buffer#map() was told them, over
" the text. Any of q, <Esc>, <CR> and g? closes it.

function! swarm#help#show() abort
  let keys = map(copy(swarm#buffer#keys(bufnr())), '[substitute(v:val[0], "\\s*<2-LeftMouse>", "", ""), v:val[1]]')
  let width = max(map(copy(keys), 'len(v:val[0])'))
  call swarm#editor#call('float', map(keys, 'printf(" %-*s  %s", width, v:val[0], v:val[1])')
        \ + ['', ' :help swarm tells the rest'], {'focus': v:true})
endfunction
